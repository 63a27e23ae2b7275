"""Paths and schemas of Marketo's service provider interface, as far as this service speaks it."""

from typing import Any


def _object(required: tuple[str, ...] = (), /, *, more: bool = False, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        found["required"] = list(required)
    if more:
        found["additionalProperties"] = True
    return found


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": _ref(name)}}


def _got(summary: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": {"description": "OK", "content": content}}}}


_STRING = {"type": "string"}
_NUMBER = {"type": "integer", "format": "int64"}
_FREE: dict[str, Any] = {"type": "object", "additionalProperties": True}
_IMAGE = {"image/*": {"schema": {"type": "string", "format": "binary"}}}
_HEADERS = [
    {"in": "header", "name": name, "required": True, "schema": _STRING} for name in ("x-api-key", "x-callback-token")
]

SCHEMAS: dict[str, Any] = {
    "async": _object(
        ("campaignId", "callbackUrl"),
        batchid=_STRING,
        campaignId={"type": "integer", "format": "int32"},
        callbackUrl={"type": "string", "format": "uri"},
        token=_STRING,
        apiCallBackKey=_STRING,
        context=_object(
            ("subscription",),
            subscription=_object(("munchkinId",), munchkinId=_STRING, prefix=_STRING, crmSyncStatus=_STRING),
            admin=_FREE,
            campaign=_FREE,
            program=_FREE,
        ),
        objectData={"type": "array", "items": _ref("objectData")},
    ),
    "objectData": _object(
        ("objectType", "objectContext"),
        objectType={"type": "string", "enum": ["lead"]},
        objectContext=_ref("leadData"),
        flowStepContext=_FREE,
        programMemberContext=_FREE,
        triggeringContext=_FREE,
    ),
    "leadData": _object(("id",), more=True, id=_NUMBER),
    "flowCallBack": _object(
        ("munchkinId",),
        munchkinId=_STRING,
        defaultValues=_object(leadDefaults=_FREE, activityDefaults=_FREE),
        errorCode=_STRING,
        errorMessage=_STRING,
        objectData={"type": "array", "items": _ref("callbackData")},
    ),
    "callbackData": _object(
        ("leadData",),
        leadData=_ref("leadData"),
        activityData=_object(more=True, success={"type": "boolean"}, reason=_STRING, errorCode=_STRING),
    ),
    "serviceDefinition": _object(
        ("apiName", "i18n", "primaryAttribute", "invocationPayloadDef", "callbackPayloadDef"),
        more=True,
        apiName=_STRING,
        i18n=_FREE,
        primaryAttribute=_STRING,
        invocationPayloadDef=_FREE,
        callbackPayloadDef=_FREE,
    ),
    "serviceStatus": _object(
        info={"type": "array", "items": _STRING},
        warnings={"type": "array", "items": _STRING},
        errors={"type": "array", "items": _STRING},
        deprecationMessage=_STRING,
        deprecationDate={"type": "string", "format": "date-time"},
    ),
    "getPicklistRequest": _object(
        ("name", "type"),
        name=_STRING,
        type={"type": "string", "enum": ["flow", "global", "header"]},
        fieldMappingContext=_FREE,
    ),
    "picklistObject": _object(
        ("choices",),
        choices={
            "type": "array",
            "items": _object(
                ("displayValue", "submittedValue"),
                displayValue={"type": "object", "additionalProperties": _STRING},
                submittedValue=_STRING,
            ),
        },
    ),
}

PATHS: dict[str, Any] = {
    "/submitAsyncAction": {
        "post": {
            "tags": ["flow action"],
            "operationId": "submitAsyncAction",
            "requestBody": {"required": True, "content": _json("async")},
            "callbacks": {
                "selfServiceFlowComplete": {
                    "{$request.body#/flowComplete}": {
                        "post": {
                            "parameters": _HEADERS,
                            "requestBody": {"content": _json("flowCallBack")},
                            "responses": {
                                "404": {"description": "Not Found"},
                                "405": {"description": "Invalid input"},
                            },
                        }
                    }
                }
            },
            "responses": {
                "201": {"description": "Accepted"},
                "400": {"description": "Bad Request"},
                "401": {"description": "Unauthorized"},
                "403": {"description": "Forbidden"},
                "429": {"description": "Too Many Requests"},
                "500": {"description": "Internal Server Error"},
            },
        }
    },
    "/getServiceDefinition": _got("What the flow step takes and gives back", _json("serviceDefinition")),
    "/status": _got("How the service is", _json("serviceStatus")),
    "/getPicklist": {
        "post": {
            "summary": "The choices of an attribute",
            "requestBody": {"required": True, "content": _json("getPicklistRequest")},
            "responses": {"200": {"description": "OK", "content": _json("picklistObject")}},
        }
    },
    "/brandIcon": _got("An icon for the provider", _IMAGE),
    "/serviceIcon": _got("An icon for the flow step", _IMAGE),
    "/providerInstructions": _got("How to set it up", {"text/html": {"schema": _STRING}}),
}
