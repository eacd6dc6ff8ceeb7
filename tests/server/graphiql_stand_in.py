"""The least server that the GraphiQL page can talk to, for tests of the page alone.

GraphiQL for a browser, the schema for everybody, data for one token; the descriptions name scopes as fieldgate's do.
"""

from typing import Annotated

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.graphiql_page import graphiql_page

TOKEN = "fg_browser_test_token"
APP_NAME = "Maestro"


@strawberry.type
class EducationDetails:
    upn: str | None = strawberry.field(description="The unique pupil number.\n\nScope: `students.upn.read` · personal")


@strawberry.type
class Student:
    id: strawberry.ID
    forename: str | None = strawberry.field(description="The first name.\n\nScope: `students.read` · personal")
    surname: str | None = strawberry.field(description="The family name.\n\nScope: `students.read` · personal")
    education_details: EducationDetails | None = strawberry.field(
        description="What the school records for teaching.\n\nScope: `students.read` · personal"
    )


@strawberry.type
class StudentConnection:
    nodes: list[Student]


def first_students(first: Annotated[int, strawberry.argument(description="How many.")] = 10) -> StudentConnection:
    details = EducationDetails(upn="A123456789012")
    zoe = Student(id=strawberry.ID("s1"), forename="Zoë", surname="Ash", education_details=details)
    return StudentConnection(nodes=[zoe][:first])


@strawberry.type(description="A school, which decides what an app may read.")
class School:
    id: strawberry.ID
    name: str | None = strawberry.field(description="The school's name.\n\nNo scope needed.")
    students: StudentConnection = strawberry.field(
        resolver=first_students, description="The students of the school.\n\nScope: `students.read` · personal"
    )


@strawberry.type
class Consent:
    school: School
    scopes: list[str]
    missing: list[str]


@strawberry.type
class App:
    name: str
    consents: list[Consent]


@strawberry.type
class Viewer:
    app: App


def asking_app() -> Viewer:
    school = School(id=strawberry.ID("school-1"), name="Ashby School")
    consent = Consent(school=school, scopes=["students.read"], missing=["students.upn.read"])
    return Viewer(app=App(name=APP_NAME, consents=[consent]))


def school_by_id(school_id: Annotated[strawberry.ID, strawberry.argument(name="id")]) -> School | None:
    return School(id=school_id, name="Ashby School")


@strawberry.type
class Query:
    viewer: Viewer = strawberry.field(resolver=asking_app, description="The app that asks.")
    school: School | None = strawberry.field(resolver=school_by_id, description="One school that granted something.")


def stand_in() -> Starlette:
    """The least that the page talks to: GraphiQL for a browser, and GraphQL that asks for a token before data."""
    page = graphiql_page()
    assert page.is_built, "Build the page first: npm ci && npm run build in server/graphiql."
    schema = strawberry.Schema(Query)

    async def graphql(request: Request) -> Response:
        if request.method == "GET":
            return page.index()
        asked = await request.json()
        media_type = "application/graphql-response+json"
        is_introspection = "__schema" in asked["query"]
        if not is_introspection and request.headers.get("authorization") != f"Bearer {TOKEN}":
            error = {"message": "This needs the token of an app.", "extensions": {"code": "UNAUTHENTICATED"}}
            return JSONResponse({"errors": [error]}, 401, {"WWW-Authenticate": "Bearer"}, media_type)
        result = await schema.execute(asked["query"], asked.get("variables"), operation_name=asked.get("operationName"))
        answer = {"data": result.data, "errors": [error.formatted for error in result.errors or []]}
        return JSONResponse({key: value for key, value in answer.items() if value}, media_type=media_type)

    return Starlette(routes=[Route("/graphql", graphql, methods=["GET", "POST"]), *page.routes()])
