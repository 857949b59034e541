"""ProjectService: parse, call, render."""

from dataclasses import dataclass

from alservice.api.v1 import project_service_pb2 as pb
from alservice.api.v1 import project_service_pb2_grpc as pb_grpc
from alservice.rpc import project_messages as messages
from alservice.rpc.context import Context
from alservice.rpc.runner import Lane, Runner
from alservice.usecases.add_classes import AddClasses
from alservice.usecases.create_project import CreateProject
from alservice.usecases.delete_project import DeleteProject
from alservice.usecases.get_project import GetProject
from alservice.usecases.list_projects import ListProjects
from alservice.usecases.update_project import UpdateProject


@dataclass(frozen=True, kw_only=True)
class ProjectServicer(pb_grpc.ProjectServiceServicer):
    """Serves alservice.api.v1.ProjectService."""

    run: Runner
    create_project: CreateProject
    get_project: GetProject
    list_projects: ListProjects
    update_project: UpdateProject
    delete_project: DeleteProject
    add_classes: AddClasses

    async def CreateProject(
        self, request: pb.CreateProjectRequest, context: Context
    ) -> pb.CreateProjectResponse:
        """Make an empty project."""
        command = messages.parse_create(request)
        project = await self.run(request, context, Lane.WRITE, self.create_project, command)
        return pb.CreateProjectResponse(project=messages.render_project(project))

    async def GetProject(
        self, request: pb.GetProjectRequest, context: Context
    ) -> pb.GetProjectResponse:
        """A project with its counts."""
        command = messages.parse_get(request)
        found = await self.run(request, context, Lane.READ, self.get_project, command)
        return pb.GetProjectResponse(project=messages.render_project(*found))

    async def ListProjects(
        self, request: pb.ListProjectsRequest, context: Context
    ) -> pb.ListProjectsResponse:
        """The projects, by id."""
        command = messages.parse_list(request)
        page = await self.run(request, context, Lane.READ, self.list_projects, command)
        projects = map(messages.render_project, page.rows)
        return pb.ListProjectsResponse(projects=projects, next_page_token=page.next_token)

    async def UpdateProject(
        self, request: pb.UpdateProjectRequest, context: Context
    ) -> pb.UpdateProjectResponse:
        """Change what the mask names."""
        command = messages.parse_update(request)
        project = await self.run(request, context, Lane.WRITE, self.update_project, command)
        return pb.UpdateProjectResponse(project=messages.render_project(project))

    async def DeleteProject(
        self, request: pb.DeleteProjectRequest, context: Context
    ) -> pb.DeleteProjectResponse:
        """Remove a project with all that it holds."""
        command = messages.parse_delete(request)
        await self.run(request, context, Lane.WRITE, self.delete_project, command)
        return pb.DeleteProjectResponse()

    async def AddClasses(
        self, request: pb.AddClassesRequest, context: Context
    ) -> pb.AddClassesResponse:
        """Add classes to a running project."""
        command = messages.parse_add_classes(request)
        project = await self.run(request, context, Lane.WRITE, self.add_classes, command)
        return pb.AddClassesResponse(project=messages.render_project(project))
