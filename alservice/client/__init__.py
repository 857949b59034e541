"""The Python client: NumPy in, NumPy out.

Three lines from an array to the first batch::

    client = alservice.Client()
    project = client.create_project("reviews", classes=["good", "bad"])
    project.add_items(X); batch = project.query(20)
"""

from alservice.client.batch import Batch
from alservice.client.client import Client
from alservice.client.content import Part
from alservice.client.errors import ServiceError
from alservice.client.importing import Importing, ImportOptions
from alservice.client.item import Item
from alservice.client.item_file import read_items
from alservice.client.label import Label
from alservice.client.model import Metric, Model
from alservice.client.pool_index import Indexing, PoolIndex
from alservice.client.project import Project
from alservice.client.project_info import ProjectInfo
from alservice.client.simulation import Simulating, Simulation
from alservice.client.training import Training
from alservice.client.upload import UploadResult

__all__ = [
    "Batch",
    "Client",
    "ImportOptions",
    "Importing",
    "Indexing",
    "Item",
    "Label",
    "Metric",
    "Model",
    "Part",
    "PoolIndex",
    "Project",
    "ProjectInfo",
    "ServiceError",
    "Simulating",
    "Simulation",
    "Training",
    "UploadResult",
    "read_items",
]
