"""Who may do what, by example and in full."""

import re

import pytest

from tests.template.cloudformation import ACCOUNT, REGION, STACK, STACK_ID, resources
from tests.template.iam import granted, may

OWN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/dormouse"
OTHER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/search"
CONFIG = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/search-3"
ENDPOINTS_TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dormouse-EndpointsTable"
DECISIONS_TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dormouse-DecisionsTable"
REQUESTS_TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dormouse-RequestsTable"
USAGE_TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dormouse-UsageTable"
QUEUE_INDEX = f"{REQUESTS_TABLE}/index/queue"
PAYLOAD = "arn:aws:s3:::dormouse-RequestsBucket/requests/dormouse/id/body"
OUTPUT = "arn:aws:s3:::dormouse-RequestsBucket/output/dormouse/id.out"
WARM_UP = "arn:aws:s3:::dormouse-ModelBucket/warm-up/sentiment.tar.gz"
RETIRED = "arn:aws:s3:::dormouse-ModelBucket/retired/models/sentiment.tar.gz"
CAPTURE = "arn:aws:s3:::dormouse-CaptureBucket/captures/dormouse/AllTraffic/2026/02/14/17/a.jsonl"
CAPTURE_ERROR = (
    "arn:aws:s3:::dormouse-CaptureBucket/capture-errors/processing-failed/2026/02/14/17/a"
)
GROUND_TRUTH = "arn:aws:s3:::dormouse-CaptureBucket/ground-truth/dormouse/2026/02/14/17/a.jsonl"
CAPTURE_STREAM = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/dormouse-CaptureStream"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WORK_QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dormouse-WorkQueue"
DEAD_LETTERS = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dormouse-DeadLetterQueue"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:answers"
NOTICE_BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/dormouse-NoticeBus"
SCHEDULES = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/dormouse-SchedulesParameter"
FUNCTION_ROLES = ("ReconcileRole", "InvokeRole", "DrainRole", "ControlRole", "CleanupRole")
MANAGED = {"dormouse:endpoint": "search"}
CREATED_HERE = {"dormouse:endpoint": "search", "dormouse:stack": STACK}
CREATED_ELSEWHERE = {"dormouse:endpoint": "search", "dormouse:stack": "another"}
ADOPTED_HERE = {"dormouse:endpoint": "search", "dormouse:adopted-by": STACK}
ADOPTED_ELSEWHERE = {"dormouse:endpoint": "search", "dormouse:adopted-by": "another"}


def function_arn(logical_id: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:dormouse-{logical_id}"


def actions_of(role: str) -> set[str]:
    """What a role may do, but for its own logs and traces."""
    return {
        action
        for statement in granted()
        if statement.role == role
        for action in statement.actions
        if not action.startswith(("logs:", "xray:"))
    }


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (
            "ReconcileRole",
            {
                # DeleteEndpoint does it in the caller's name.
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:PutScheduledAction",
                "application-autoscaling:RegisterScalableTarget",
                "cloudformation:DescribeStackResources",
                # Application Auto Scaling wants them of whoever puts a policy.
                "cloudwatch:DeleteAlarms",
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "cloudwatch:PutMetricAlarm",
                "dynamodb:BatchWriteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:Scan",
                "dynamodb:UpdateItem",
                "events:PutEvents",
                "pricing:GetProducts",
                # CreateEndpoint does it in the caller's name.
                "sagemaker:AddTags",
                "sagemaker:CreateEndpoint",
                "sagemaker:DeleteEndpoint",
                "sagemaker:DeleteEndpointConfig",
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListTags",
                "sagemaker:UpdateEndpoint",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
                "sqs:SendMessage",
                "ssm:GetParameter",
                "tag:GetResources",
            },
        ),
        (
            "InvokeRole",
            {
                "dynamodb:BatchWriteItem",
                "dynamodb:DeleteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "firehose:PutRecord",
                "lambda:InvokeFunction",
                "s3:DeleteObject",
                "s3:GetObject",
                # Without it what is missing looks forbidden.
                "s3:ListBucket",
                "s3:PutObject",
                "sagemaker:InvokeEndpoint",
                "sqs:SendMessage",
                "tag:GetResources",
            },
        ),
        (
            "DrainRole",
            {
                "dynamodb:BatchWriteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "firehose:PutRecord",
                "lambda:InvokeFunction",
                "s3:DeleteObject",
                "s3:GetObject",
                # Without it what is missing looks forbidden.
                "s3:ListBucket",
                "s3:PutObject",
                "sagemaker:InvokeEndpoint",
                # The event source does these in drain's name.
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            },
        ),
        (
            "ControlRole",
            {
                "dynamodb:BatchWriteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:Scan",
                "dynamodb:UpdateItem",
                "lambda:InvokeFunction",
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:ListBucket",
                "s3:PutObject",
                "sagemaker:DescribeEndpoint",
                "sagemaker:ListEndpoints",
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:ReceiveMessage",
                "ssm:GetParameter",
                "tag:GetResources",
            },
        ),
        ("CleanupRole", {"dynamodb:UpdateItem", "lambda:InvokeFunction"}),
        ("TickRole", {"lambda:InvokeFunction"}),
        ("ScheduleRole", {"lambda:InvokeFunction"}),
        (
            "CaptureStreamRole",
            {
                # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3
                "s3:AbortMultipartUpload",
                "s3:GetBucketLocation",
                "s3:GetObject",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:PutObject",
            },
        ),
    ],
)
def test_the_calls_of_the_adapters_are_granted(role: str, actions: set[str]) -> None:
    """IAM names the operations that each function makes, and no others."""
    assert actions_of(role) == actions


@pytest.mark.parametrize(
    ("role", "functions"),
    [
        ("InvokeRole", {"ReconcileFunction"}),
        ("DrainRole", {"ReconcileFunction"}),
        ("ControlRole", {"ReconcileFunction"}),
        ("CleanupRole", {"ReconcileFunction", "CleanupFunction"}),
        ("TickRole", {"ReconcileFunction"}),
        ("ScheduleRole", {"ControlFunction"}),
        ("ReconcileRole", set()),
    ],
)
def test_which_functions_each_role_invokes(role: str, functions: set[str]) -> None:
    """The nudge, the tick, the cron schedules; cleanup has ticks made and goes on by itself."""
    everyone = resources("AWS::Serverless::Function")
    invoked = {f for f in everyone if may(role, "lambda:InvokeFunction", function_arn(f))}
    assert invoked == functions


def test_reconcile_alone_writes_endpoints() -> None:
    """The design's second rule, as IAM enforces it."""
    writers = {
        statement.role
        for statement in granted()
        for action in statement.actions
        if re.fullmatch(r"sagemaker:((Create|Update|Delete)\w+|AddTags|DeleteTags)", action)
    }
    assert writers == {"ReconcileRole"}
    assert not [s for s in granted() for action in s.actions if action == "iam:PassRole"]


@pytest.mark.parametrize("action", ["sagemaker:DeleteEndpoint", "sagemaker:UpdateEndpoint"])
@pytest.mark.parametrize(
    ("endpoint", "tags", "allowed"),
    [
        (OTHER, CREATED_HERE, True),
        (OTHER, ADOPTED_HERE, True),
        (OWN, {"dormouse:endpoint": "dormouse", "dormouse:stack": STACK}, True),
        (OTHER, MANAGED, False),
        (OTHER, CREATED_ELSEWHERE, False),
        (OTHER, ADOPTED_ELSEWHERE, False),
        (OTHER, {}, False),
        (OWN, {}, False),
    ],
)
def test_only_what_was_created_or_handed_over_is_changed(
    action: str, endpoint: str, tags: dict[str, str], allowed: bool
) -> None:
    """Not even an endpoint of the stack's own name, if somebody else has made it."""
    assert may("ReconcileRole", action, endpoint, resource_tags=tags) is allowed


@pytest.mark.parametrize(
    ("config_tags", "allowed"), [(MANAGED, True), ({"team": "search"}, False), ({}, False)]
)
def test_an_update_needs_a_managed_config(config_tags: dict[str, str], allowed: bool) -> None:
    """UpdateEndpoint is checked for the config as well as for the endpoint."""
    update = "sagemaker:UpdateEndpoint"
    assert may("ReconcileRole", update, CONFIG, resource_tags=config_tags) is allowed


def test_only_configs_of_this_stacks_template_are_deleted() -> None:
    """By the id of the stack, which one of the same name does not share; and a right over
    endpoints is none over the configs.
    """
    delete = "sagemaker:DeleteEndpointConfig"
    ours = {**CREATED_HERE, "dormouse:template": STACK_ID}
    assert may("ReconcileRole", delete, CONFIG, resource_tags=ours)
    for tags in (MANAGED, CREATED_HERE, ADOPTED_HERE, {"dormouse:template": f"{STACK_ID}0"}):
        assert not may("ReconcileRole", delete, CONFIG, resource_tags=tags)
        assert not may("ReconcileRole", "sagemaker:DeleteEndpoint", CONFIG, resource_tags=tags)


def test_autoscaling_is_restored_of_what_this_stack_has_created() -> None:
    """It can change the capacity of no other endpoint, nor touch another's alarms."""
    change = "sagemaker:UpdateEndpointWeightsAndCapacities"
    assert may("ReconcileRole", change, OTHER, resource_tags=CREATED_HERE)
    for tags in (MANAGED, CREATED_ELSEWHERE, {}):
        assert not may("ReconcileRole", change, OTHER, resource_tags=tags)
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
    tracking = f"{alarm}TargetTracking-endpoint/search/variant/AllTraffic-AlarmHigh-1"
    assert may("ReconcileRole", "cloudwatch:PutMetricAlarm", tracking)
    assert not may("ReconcileRole", "cloudwatch:PutMetricAlarm", f"{alarm}TargetTracking-table/a")
    assert not may("ReconcileRole", "cloudwatch:DeleteAlarms", f"{alarm}dormouse-TicksStopped-1")


def test_autoscaling_of_other_services_is_left_alone() -> None:
    """A target's ARN does not tell of which service it is."""
    target = f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/0ab"
    register = "application-autoscaling:RegisterScalableTarget"
    for service, allowed in {"sagemaker": True, "dynamodb": False}.items():
        keys = {"application-autoscaling:service-namespace": service}
        assert may("ReconcileRole", register, target, keys=keys) is allowed


@pytest.mark.parametrize(
    ("request_tags", "config_tags", "allowed"),
    [
        (CREATED_HERE, MANAGED, True),
        (CREATED_HERE, {}, False),
        (CREATED_ELSEWHERE, MANAGED, False),
        (MANAGED, MANAGED, False),
        ({"dormouse:stack": STACK}, MANAGED, False),
        ({}, MANAGED, False),
    ],
)
def test_creating_needs_a_managed_config_and_both_tags(
    request_tags: dict[str, str], config_tags: dict[str, str], allowed: bool
) -> None:
    """CreateEndpoint is checked for the endpoint and for the config; both must be allowed."""
    create = "sagemaker:CreateEndpoint"
    endpoint = may("ReconcileRole", create, OTHER, request_tags=request_tags)
    config = may(
        "ReconcileRole", create, CONFIG, request_tags=request_tags, resource_tags=config_tags
    )
    assert (endpoint and config) is allowed


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        ({"sagemaker:TaggingAction": "CreateEndpoint"}, True),
        ({"sagemaker:TaggingAction": "CreateModel"}, False),
        ({}, False),
    ],
)
def test_tags_are_put_on_while_creating_and_at_no_other_time(
    keys: dict[str, str], allowed: bool
) -> None:
    """With a free hand to tag, reconcile could make any endpoint deletable."""
    tags = may("ReconcileRole", "sagemaker:AddTags", OTHER, request_tags=CREATED_HERE, keys=keys)
    assert tags is allowed


def test_nobody_can_be_made_an_owner_by_tags() -> None:
    """Handing over is the owner's: reconcile can't put `dormouse:adopted-by` on an endpoint."""
    keys = {"sagemaker:TaggingAction": "CreateEndpoint"}
    add = "sagemaker:AddTags"
    assert not may("ReconcileRole", add, OTHER, request_tags=ADOPTED_HERE, keys=keys)


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("ControlRole", "sagemaker:DescribeEndpoint"),
        ("InvokeRole", "sagemaker:InvokeEndpoint"),
        ("DrainRole", "sagemaker:InvokeEndpoint"),
    ],
)
def test_managed_endpoints_are_reached_and_others_are_not(role: str, action: str) -> None:
    """An absent endpoint has no tags: the stack's own must be reachable without any."""
    assert may(role, action, OWN)
    assert may(role, action, OTHER, resource_tags=MANAGED)
    assert not may(role, action, OTHER)
    assert not may(role, action, OTHER, resource_tags={"team": "search"})


@pytest.mark.parametrize("action", ["sagemaker:DescribeEndpoint", "sagemaker:ListTags"])
def test_reconcile_sees_what_every_endpoint_runs_on(action: str) -> None:
    """Whoever has made it: no EndpointConfig is deleted that one of them needs. It changes none."""
    assert may("ReconcileRole", action, OWN)
    assert may("ReconcileRole", action, OTHER)
    assert not may("ReconcileRole", "sagemaker:DeleteEndpoint", OTHER)


@pytest.mark.parametrize(
    ("key", "allowed"), [("dormouse:removal", True), ("dormouse", False), ("search", False)]
)
def test_cleanup_writes_the_tombstone_and_no_endpoint(key: str, allowed: bool) -> None:
    """Of the table that it shares with the others it has one item."""
    keys = {"dynamodb:LeadingKeys": key}
    assert may("CleanupRole", "dynamodb:UpdateItem", ENDPOINTS_TABLE, keys=keys) is allowed
    assert not may("CleanupRole", "dynamodb:UpdateItem", DECISIONS_TABLE, keys=keys)


def test_the_tombstone_that_may_be_written_is_the_one_that_is_written() -> None:
    """The key in the condition is the adapter's, which reconcile reads."""
    from dormouse.adapters import state

    keys = {"dynamodb:LeadingKeys": state._TOMBSTONE}
    assert may("CleanupRole", "dynamodb:UpdateItem", ENDPOINTS_TABLE, keys=keys)
    assert may("ReconcileRole", "dynamodb:GetItem", ENDPOINTS_TABLE, keys=keys)


@pytest.mark.parametrize("role", ["InvokeRole", "DrainRole", "ControlRole"])
def test_nobody_else_writes_the_tombstone(role: str) -> None:
    """Of the same table they may write every other item."""
    update = "dynamodb:UpdateItem"
    tombstone = {"dynamodb:LeadingKeys": "dormouse:removal"}
    assert not may(role, update, ENDPOINTS_TABLE, keys=tombstone)
    assert may(role, update, ENDPOINTS_TABLE, keys={"dynamodb:LeadingKeys": "dormouse"})


@pytest.mark.parametrize(
    ("role", "sends_to", "takes_from"),
    [
        ("ReconcileRole", {WORK_QUEUE}, set()),
        ("InvokeRole", {WORK_QUEUE}, set()),
        ("DrainRole", {DEAD_LETTERS}, {WORK_QUEUE}),
        ("ControlRole", set(), {DEAD_LETTERS}),
        ("CleanupRole", set(), set()),
    ],
)
def test_which_way_messages_go(role: str, sends_to: set[str], takes_from: set[str]) -> None:
    """Each queue has those who fill it and one who empties it."""
    queues = (WORK_QUEUE, DEAD_LETTERS)
    assert {queue for queue in queues if may(role, "sqs:SendMessage", queue)} == sends_to
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        assert {queue for queue in queues if may(role, action, queue)} == takes_from


@pytest.mark.parametrize(
    ("role", "steps"),
    [
        ("ReconcileRole", True),
        ("InvokeRole", True),
        ("DrainRole", True),
        ("ControlRole", True),
        ("CleanupRole", False),
    ],
)
def test_who_takes_the_steps_of_requests(role: str, steps: bool) -> None:
    """A request is found by the table's index alone, and never by looking through the table."""
    # A step is a record written anew, on the condition that the former one is still there.
    assert may(role, "dynamodb:PutItem", REQUESTS_TABLE) is steps
    assert may(role, "dynamodb:Query", QUEUE_INDEX) is steps
    assert not may(role, "dynamodb:Scan", REQUESTS_TABLE)


@pytest.mark.parametrize(
    ("role", "notes", "reads", "keeps_days"),
    [
        ("ReconcileRole", True, True, True),
        ("InvokeRole", True, False, False),
        ("DrainRole", True, False, False),
        ("ControlRole", True, True, False),
        ("CleanupRole", False, False, False),
    ],
)
def test_who_notes_what_models_are_asked_and_who_reads_it(
    role: str, notes: bool, reads: bool, keeps_days: bool
) -> None:
    """Whoever answers requests notes them in batches, and whoever takes a wake counts that; one
    ranks models by it and keeps the days of demand, one tells of it.
    """
    assert may(role, "dynamodb:PutItem", USAGE_TABLE) is keeps_days
    assert may(role, "dynamodb:BatchWriteItem", USAGE_TABLE) is notes
    assert may(role, "dynamodb:Query", USAGE_TABLE) is reads
    assert not may(role, "dynamodb:BatchWriteItem", REQUESTS_TABLE)
    assert not may(role, "dynamodb:BatchWriteItem", ENDPOINTS_TABLE)
    for action in ("dynamodb:DeleteItem", "dynamodb:Scan", "dynamodb:UpdateItem"):
        assert not may(role, action, USAGE_TABLE)


@pytest.mark.parametrize(
    ("role", "stream", "capture", "error", "truth"),
    [
        ("InvokeRole", True, {"Put"}, set(), set()),
        ("DrainRole", True, {"Put"}, set(), set()),
        ("CaptureStreamRole", False, {"Get", "Put"}, {"Get", "Put"}, set()),
        ("ControlRole", False, set(), set(), {"Put"}),
        ("ReconcileRole", False, set(), set(), set()),
        ("CleanupRole", False, set(), set(), set()),
        ("ModelRole", False, set(), set(), set()),
    ],
)
def test_captures_are_written_and_not_read(
    role: str, stream: bool, capture: set[str], error: set[str], truth: set[str]
) -> None:
    """No function sees again what callers have sent and got. Firehose alone may, which writes large
    objects in parts; and nobody deletes: the bucket does.
    """
    assert may(role, "firehose:PutRecord", CAPTURE_STREAM) is stream
    for resource, allowed in ((CAPTURE, capture), (CAPTURE_ERROR, error), (GROUND_TRUTH, truth)):
        actions = ("Get", "Put", "Delete")
        assert {a for a in actions if may(role, f"s3:{a}Object", resource)} == allowed


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("InvokeRole", {"kms:GenerateDataKey"}),
        ("DrainRole", {"kms:GenerateDataKey"}),
        ("ControlRole", {"kms:GenerateDataKey"}),
        ("CaptureStreamRole", {"kms:Decrypt", "kms:GenerateDataKey"}),
        ("ReconcileRole", set()),
        ("CleanupRole", set()),
        ("ModelRole", set()),
    ],
)
def test_who_uses_the_key_of_the_captures(role: str, actions: set[str]) -> None:
    """Only where one is given, only that one, and only through S3: nothing of it is theirs."""
    given = {"CaptureKeyArn": KEY}
    through_s3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:CreateGrant"):
        assert may(role, action, KEY, keys=through_s3, given=given) is (action in actions)
        assert not may(role, action, KEY, given=given)
        assert not may(role, action, f"{KEY}0", keys=through_s3, given=given)
        assert not may(role, action, KEY, keys=through_s3)


@pytest.mark.parametrize(
    ("prefix", "model"),
    [
        ("models/", "models/a.tar.gz"),
        ("models/", "models/team/a.tar.gz"),
        ("team/v1/", "team/v1/a.tar.gz"),
    ],
)
def test_control_keeps_the_models_and_nothing_else(prefix: str, model: str) -> None:
    """Under the prefix; what it has retired it does not delete."""
    given = {"ModelPrefix": prefix}
    actions = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
    bucket = "arn:aws:s3:::dormouse-ModelBucket"
    for action in actions:
        assert may("ControlRole", action, f"{bucket}/{model}", given=given)
        assert not may("ControlRole", action, f"{bucket}/elsewhere/a.tar.gz", given=given)
        assert not may("ControlRole", action, WARM_UP, given=given)
        assert may("ControlRole", action, RETIRED, given=given) is (action != "s3:DeleteObject")
    for role in ("InvokeRole", "DrainRole", "ReconcileRole", "CleanupRole"):
        for action in actions:
            assert not may(role, action, f"{bucket}/{model}", given=given)


@pytest.mark.parametrize(
    ("role", "payload", "output", "warm_up"),
    [
        ("InvokeRole", {"Get", "Put", "Delete"}, set(), set()),
        ("DrainRole", {"Get", "Put", "Delete"}, {"Put"}, {"Get"}),
        ("ReconcileRole", set(), set(), set()),
        ("ControlRole", set(), set(), set()),
        ("ModelRole", set(), set(), set()),
    ],
)
def test_who_reaches_what_callers_send_and_get(
    role: str, payload: set[str], output: set[str], warm_up: set[str]
) -> None:
    """The two that speak with callers or for them; an output is written and read by its owner."""
    for resource, allowed in ((PAYLOAD, payload), (OUTPUT, output), (WARM_UP, warm_up)):
        actions = ("Get", "Put", "Delete")
        assert {a for a in actions if may(role, f"s3:{a}Object", resource)} == allowed


@pytest.mark.parametrize(
    ("buckets", "resource", "allowed"),
    [
        ("", "arn:aws:s3:::inputs/a.json", False),
        ("inputs", "arn:aws:s3:::inputs/a.json", True),
        ("inputs", "arn:aws:s3:::inputs-2/a.json", False),
        ("inputs more", "arn:aws:s3:::inputs/a.json", True),
        ("inputs more", "arn:aws:s3:::more/deep/a.json", True),
        ("inputs more", "arn:aws-us-gov:s3:::more/a.json", True),
        ("inputs more", "arn:aws:s3:::payroll/a.json", False),
    ],
)
def test_inputs_are_read_where_the_parameter_says(
    buckets: str, resource: str, allowed: bool
) -> None:
    """Read, and found missing; neither written nor deleted, by nobody else."""
    given = {"S3Buckets": buckets}
    assert may("InvokeRole", "s3:GetObject", resource, given=given) is allowed
    bucket = resource.partition("/")[0]
    assert may("InvokeRole", "s3:ListBucket", bucket, given=given) is allowed
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert not may("InvokeRole", action, resource, given=given)
    assert not may("DrainRole", "s3:GetObject", resource, given=given)


@pytest.mark.parametrize(
    ("topics", "allowed"), [("", False), (TOPIC, True), (f"{TOPIC}-2 {TOPIC}", True)]
)
def test_topics_are_told_that_the_parameter_names(topics: str, allowed: bool) -> None:
    """By drain, and no others."""
    given = {"CompletionTopicArns": topics}
    assert may("DrainRole", "sns:Publish", TOPIC, given=given) is allowed
    assert not may("DrainRole", "sns:Publish", f"{TOPIC}-3", given=given)
    assert not may("InvokeRole", "sns:Publish", TOPIC, given=given)


@pytest.mark.parametrize("parameter", ["NotificationTopicArn", "MoreNotificationTopicArns"])
def test_owners_are_told_by_the_topics_that_the_parameters_name(parameter: str) -> None:
    """By reconcile, which decides, and by no other; a topic that is not listed hears nothing."""
    given = {parameter: TOPIC}
    tellers = {role for role in FUNCTION_ROLES if may(role, "sns:Publish", TOPIC, given=given)}
    assert tellers == {"ReconcileRole"}
    assert not may("ReconcileRole", "sns:Publish", f"{TOPIC}-2", given=given)
    assert not may("ReconcileRole", "sns:Publish", TOPIC)


def test_several_topics_of_owners_are_granted_one_by_one() -> None:
    """The own endpoint's, and those that others' tags may name."""
    given = {
        "NotificationTopicArn": f"{TOPIC}-1",
        "MoreNotificationTopicArns": f"{TOPIC}-2 {TOPIC}-3",
    }
    told = [n for n in range(5) if may("ReconcileRole", "sns:Publish", f"{TOPIC}-{n}", given=given)]
    assert told == [1, 2, 3]


def test_one_function_puts_notices_on_the_bus() -> None:
    """So what is on it comes from whoever decides. The account's default bus is nobody's."""
    put = "events:PutEvents"
    default = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    assert {role for role in FUNCTION_ROLES if may(role, put, NOTICE_BUS)} == {"ReconcileRole"}
    assert not may("ReconcileRole", put, default)


def test_named_schedules_are_read_and_never_written() -> None:
    """By whoever judges by them; they are the operator's."""
    readers = {role for role in FUNCTION_ROLES if may(role, "ssm:GetParameter", SCHEDULES)}
    assert readers == {"ReconcileRole", "ControlRole"}
    assert not may("ReconcileRole", "ssm:GetParameter", f"{SCHEDULES}-2")
    assert not [s for s in granted() for action in s.actions if action == "ssm:PutParameter"]


def test_what_a_config_costs_is_looked_up_of_managed_ones() -> None:
    """By their tag, as everything else of them."""
    describe = "sagemaker:DescribeEndpointConfig"
    assert may("ReconcileRole", describe, CONFIG, resource_tags=MANAGED)
    assert not may("ReconcileRole", describe, CONFIG, resource_tags={"team": "search"})


@pytest.mark.parametrize(
    ("role", "writes", "reads"),
    [
        ("ReconcileRole", True, False),
        ("ControlRole", False, True),
        ("InvokeRole", False, False),
        ("DrainRole", False, False),
        ("CleanupRole", False, False),
    ],
)
def test_who_writes_decisions_and_who_reads_them(role: str, writes: bool, reads: bool) -> None:
    """One writes them down, another tells operators; nobody alters or deletes one."""
    assert may(role, "dynamodb:PutItem", DECISIONS_TABLE) is writes
    assert may(role, "dynamodb:Query", DECISIONS_TABLE) is reads
    for action in ("dynamodb:UpdateItem", "dynamodb:DeleteItem"):
        assert not may(role, action, DECISIONS_TABLE)


@pytest.mark.parametrize("role", FUNCTION_ROLES)
def test_each_function_writes_its_own_log(role: str) -> None:
    """And nobody else's."""
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:dormouse"
    written = {
        other
        for other in FUNCTION_ROLES
        if may(role, "logs:PutLogEvents", f"{group}-{other.replace('Role', 'Logs')}:*")
    }
    assert written == {role}


@pytest.mark.parametrize(
    ("role", "action", "resource", "allowed"),
    [
        ("ModelRole", "s3:GetObject", "arn:aws:s3:::dormouse-ModelBucket/models/a.tar.gz", True),
        ("ModelRole", "s3:GetObject", "arn:aws:s3:::dormouse-ModelBucket/captures/x", False),
        ("ModelRole", "s3:PutObject", "arn:aws:s3:::dormouse-ModelBucket/models/a.tar.gz", False),
        (
            "ModelRole",
            "ecr:BatchGetImage",
            f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/team/dormouse",
            True,
        ),
        (
            "ModelRole",
            "ecr:BatchGetImage",
            f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/team/payroll",
            False,
        ),
        ("InvokeRole", "dynamodb:UpdateItem", ENDPOINTS_TABLE, True),
        ("InvokeRole", "dynamodb:DeleteItem", ENDPOINTS_TABLE, False),
        ("ControlRole", "dynamodb:UpdateItem", ENDPOINTS_TABLE, True),
        ("ControlRole", "s3:ListBucket", "arn:aws:s3:::dormouse-ModelBucket", True),
        ("ControlRole", "s3:ListBucket", "arn:aws:s3:::dormouse-CaptureBucket", False),
        ("CaptureStreamRole", "s3:ListBucket", "arn:aws:s3:::dormouse-CaptureBucket", True),
        ("CaptureStreamRole", "s3:ListBucket", "arn:aws:s3:::dormouse-ModelBucket", False),
        (
            "CaptureStreamRole",
            "logs:PutLogEvents",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:dormouse-CaptureLogs:*",
            True,
        ),
        ("ControlRole", "sagemaker:InvokeEndpoint", OWN, False),
        ("InvokeRole", "sagemaker:DescribeEndpoint", OWN, False),
        ("DrainRole", "sagemaker:DescribeEndpoint", OWN, False),
        ("DrainRole", "s3:GetObject", "arn:aws:s3:::dormouse-ModelBucket/models/a.tar.gz", False),
        ("DrainRole", "s3:ListBucket", "arn:aws:s3:::dormouse-ModelBucket", True),
        ("DrainRole", "s3:ListBucket", "arn:aws:s3:::dormouse-RequestsBucket", True),
        ("InvokeRole", "s3:ListBucket", "arn:aws:s3:::dormouse-RequestsBucket", True),
        ("InvokeRole", "s3:ListBucket", "arn:aws:s3:::dormouse-ModelBucket", False),
    ],
)
def test_what_each_role_reaches(role: str, action: str, resource: str, allowed: bool) -> None:
    """The rest of the rights, by example."""
    assert may(role, action, resource) is allowed
