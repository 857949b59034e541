"""How any gRPC client should balance and retry, as the service config that gRPC understands.

Plain JSON, so that clients in other languages can use the same text: deploy/service_config.json
has it. Unary calls may be repeated: those that change something carry a `request_id`, the
same in each attempt, because gRPC sends the same message again. A stream of uploads may not,
because gRPC would have to keep it in memory: it is resumed by `upload_id` instead. Nor may
DeleteOperation, whose message is Google's and has no `request_id`: repeated after a lost answer it
would say NOT_FOUND of what it has deleted.
"""

import json
from typing import Final

PACKAGE: Final = "alservice.api.v1"
OPERATIONS: Final = "google.longrunning.Operations"
SERVICES: Final = (
    f"{PACKAGE}.ActiveLearningService",
    f"{PACKAGE}.ProjectService",
    f"{PACKAGE}.PoolService",
    f"{PACKAGE}.ModelService",
    f"{PACKAGE}.InsightService",
    f"{PACKAGE}.StrategyService",
    OPERATIONS,
)
RETRY_POLICY: Final = {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}

SERVICE_CONFIG: Final = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {"name": [{"service": name} for name in SERVICES], "retryPolicy": RETRY_POLICY},
            # A method's own entry wins over that of its service.
            {"name": [{"service": f"{PACKAGE}.PoolService", "method": "AddItems"}]},
            {"name": [{"service": OPERATIONS, "method": "DeleteOperation"}]},
        ],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    },
    indent=2,
)
