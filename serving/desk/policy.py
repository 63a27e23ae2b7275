"""``/v1/policy``: what is agreed, and agreeing on something else."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from data.clock import wall_clock
from data.errors import ContractError
from serving.access import require
from serving.agreeing.versions import Agreement, Change, Overtaken, agree, apply, history
from serving.body import parse, read_json
from serving.desk.schemas import PolicyIn, PolicyOut, policy_out
from serving.keys import Caller
from serving.problems import Refusal, documented
from serving.service import Service, ServiceDep

routes = APIRouter(prefix="/v1/policy", tags=["policy"])
BODIES = (PolicyIn,)
_VERSIONS = 50


@routes.get(
    "",
    name="getPolicy",
    summary="The agreed policy",
    description="The policy that decides, who agreed on it and why, and what each other capacity would have meant.",
    responses=documented(401, 403, 404, 500, 503),
    dependencies=[Depends(require("read"))],
    response_model_exclude_none=True,
)
async def get_policy(service: ServiceDep) -> PolicyOut:
    """What is agreed."""
    return await told(service)


@routes.put(
    "",
    name="agreePolicy",
    summary="Agree on a capacity",
    description="Saves a new version with who and why; it decides from then on, in every process on the store, and "
    "every open lead is looked at by it once. 409 when another version was saved since the one that was looked at.",
    responses=documented(400, 401, 403, 404, 409, 413, 415, 422, 500, 503),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PolicyIn"}}},
        }
    },
    response_model_exclude_none=True,
)
async def agree_policy(
    request: Request, service: ServiceDep, caller: Annotated[Caller, Depends(require("admin"))]
) -> PolicyOut:
    """Agree on something else."""
    asked = parse(PolicyIn, await read_json(request, service.settings.max_body_bytes))
    await saved(service, Change(asked.capacity_per_week, asked.why, caller.name, asked.version))
    return await told(service)


async def saved(service: Service, change: Change) -> Agreement:
    """The new version, by which this process goes at once. Raises Refusal: 409 overtaken, 422 for what cannot be."""
    loaded = service.loaded
    try:
        made = await service.store.awrite(lambda connection: agree(connection, loaded, change, wall_clock()))
    except Overtaken as error:
        raise Refusal(409, "policy-overtaken", str(error)) from None
    except ContractError as error:
        raise Refusal(422, "invalid-request", str(error)) from None
    service.agreed.take(made)
    return made


async def told(service: Service) -> PolicyOut:
    """The answer, as of now."""
    loaded = service.loaded
    versions = await service.store.aread(lambda connection: history(connection, _VERSIONS))
    return policy_out(apply(loaded, versions[0]) if versions else loaded, versions)
