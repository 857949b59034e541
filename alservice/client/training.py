"""A model in the making: follow, wait for or cancel a long-running Train."""

from typing import Any

from alservice.api.v1 import active_learning_service_pb2 as learning_pb2
from alservice.api.v1 import model_pb2
from alservice.client.model import Model, model_of
from alservice.client.operation import LongOperation


class Training(LongOperation[Model]):
    """The operation behind Project.train.

    `name` is the operation's name. The rest is as of the last look: `refresh` and `wait` look
    again. `model_name` names the model, which Project.model can read while it is being trained.
    `progress` is in [0, 1], `stage` says what is being done. `attempt` is more than 1 if the work
    was begun again after a crash.
    """

    title = "training"
    model_name: str

    @property
    def subject(self) -> str:
        """The name of the model."""
        return self.model_name

    def _metadata(self) -> Any:
        return learning_pb2.TrainMetadata()

    def _told(self, metadata: Any) -> None:
        self.model_name = metadata.model

    def _kept(self) -> str:
        return (
            f"the training of {self.model_name} is kept and goes on when the server is back: "
            "project.train() joins it"
        )

    def _outcome(self, response: Any) -> Model:
        model = model_pb2.Model()
        response.Unpack(model)
        return model_of(model)
