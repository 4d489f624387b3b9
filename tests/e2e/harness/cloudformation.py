"""A CloudFormation stack in the emulator. Each call returns once the operation has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml
from harness.processes import until
from tasks.errors import RunError

BUCKET = "warden-artifacts"
DEPLOY_SECONDS = 90.0
COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class Deployment:
    """A stack by its name, with an account's clients."""

    def __init__(self, name: str, client: Callable[[str], Any]) -> None:
        self.name = name
        self.outputs: dict[str, str] = {}
        self.parameters: dict[str, str] = {}
        self._client = client
        self._exists = False

    def put(self, body: str, parameters: dict[str, str]) -> None:
        """Creates or updates the stack from a template."""
        cloudformation = self._client("cloudformation")
        arguments = {
            "StackName": self.name,
            "TemplateURL": self._upload(body),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        try:
            (cloudformation.update_stack if self._exists else cloudformation.create_stack)(**arguments)
        except ClientError as error:
            if "No updates" not in str(error):
                raise
        described = until("the deployment", DEPLOY_SECONDS, self._settled)
        if described["StackStatus"] not in COMPLETE:
            raise RunError(f"The template did not deploy ({described['StackStatus']}): {self._reason()}")
        self._exists = True
        self.parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described.get("Parameters", [])}
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def delete(self) -> None:
        """Deletes the stack."""
        self._client("cloudformation").delete_stack(StackName=self.name)
        until("the deletion", DEPLOY_SECONDS, self._gone)
        self._exists = False

    def resources(self) -> dict[str, Any]:
        """The resources that CloudFormation lists, by logical id."""
        listed = self._client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource for resource in listed}

    def template(self) -> dict[str, Any]:
        """The template after SAM's transform."""
        body = self._client("cloudformation").get_template(StackName=self.name, TemplateStage="Processed")["TemplateBody"]
        # A template without a transform comes back as text.
        return dict(cfn_yaml.loads(body) if isinstance(body, str) else body)

    def _upload(self, body: str) -> str:
        """The URL of the template. A template in the request itself may have 51,200 bytes, and ours has more."""
        s3, key = self._client("s3"), f"{self.name}.yaml"
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key=key, Body=body.encode())
        return f"{s3.meta.endpoint_url}/{BUCKET}/{key}"

    def _settled(self) -> Any:
        described = self._client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        return None if described["StackStatus"].endswith("IN_PROGRESS") else described

    def _gone(self) -> bool:
        try:
            status: str = self._client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
        except ClientError as error:
            if "does not exist" in str(error):
                return True
            raise
        if status == "DELETE_FAILED":
            raise RunError(f"{self.name} could not be deleted: {self._reason()}")
        return status == "DELETE_COMPLETE"

    def _reason(self) -> str:
        events = self._client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
        return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed) or "no reason given"
