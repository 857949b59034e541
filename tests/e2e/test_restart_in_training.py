"""A training that is cut off by `kill -9` is finished by the next server, once."""

from pathlib import Path

from google.longrunning import operations_pb2

from alservice.api.v1 import active_learning_service_pb2 as al
from alservice.api.v1 import model_pb2, model_service_pb2
from tests.e2e.api import Api, label, random_vectors, until
from tests.running_server import running_server

CLASSES = ("a", "b", "c", "d")


def test_a_training_that_was_cut_off_is_finished_by_the_next_server_once(tmp_path: Path) -> None:
    vectors = random_vectors(400, 64)
    with running_server(tmp_path / "data") as server:
        api = Api(server.channel)
        project = api.create("cut", classes=CLASSES)
        api.add(project, vectors)
        best = vectors[:300, : len(CLASSES)].argmax(axis=1).tolist()
        api.label(project, *(label(f"i-{n}", CLASSES[c]) for n, c in enumerate(best)))
        ask = al.TrainRequest(project=project, request_id="once")
        name = api.active.Train(ask).name
        until(lambda: attempt(api, name))
        assert not look(api, name).done
        server.kill()
    with running_server(tmp_path / "data") as server:
        api = Api(server.channel)
        assert api.active.Train(ask).name == name
        wait = operations_pb2.WaitOperationRequest(name=name)
        done = api.operations.WaitOperation(wait, timeout=120)
        assert done.done
        assert attempt(api, name) == 2
        model = model_pb2.Model()
        assert done.response.Unpack(model)
        assert (model.state, model.label_count) == (model_pb2.MODEL_STATE_READY, 300)
        listed = api.models.ListModels(model_service_pb2.ListModelsRequest(project=project))
        assert [(m.name, m.active) for m in listed.models] == [(model.name, True)]
        assert api.query(project).batch.model == model.name
        again = api.active.Train(ask)
        assert (again.name, again.done) == (name, True)


def look(api: Api, name: str) -> operations_pb2.Operation:
    return api.operations.GetOperation(operations_pb2.GetOperationRequest(name=name))


def attempt(api: Api, name: str) -> int:
    """How often the training was begun."""
    metadata = al.TrainMetadata()
    look(api, name).metadata.Unpack(metadata)
    return metadata.attempt
