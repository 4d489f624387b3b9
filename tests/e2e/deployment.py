"""One CloudFormation stack in the emulator: made, changed, looked into and deleted, each to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from cfnlint.decode import cfn_yaml
from processes import until
from trouble import Trouble

BUCKET = "warden-artifacts"
DEPLOY_SECONDS = 90.0
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class Deployment:
    """By its name, as an account's own clients see it."""

    def __init__(self, name: str, client: Callable[[str], Any]) -> None:
        self.name = name
        self.outputs: dict[str, str] = {}
        self._client = client
        self._stands = False

    def put(self, body: str, parameters: dict[str, str]) -> None:
        """Creates or updates it from a template, and returns once it stands."""
        cloudformation = self._client("cloudformation")
        arguments = {
            "StackName": self.name,
            "TemplateURL": self._uploaded(body),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        try:
            (cloudformation.update_stack if self._stands else cloudformation.create_stack)(**arguments)
        except ClientError as error:
            if "No updates" not in str(error):
                raise
        described = until("the deployment", DEPLOY_SECONDS, self._settled)
        if described["StackStatus"] not in SETTLED:
            raise Trouble(f"The template did not deploy ({described['StackStatus']}): {self._why()}")
        self._stands = True
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def delete(self) -> None:
        """Deletes it, and returns once it is gone."""
        self._client("cloudformation").delete_stack(StackName=self.name)
        until("the deletion", DEPLOY_SECONDS, self._gone)
        self._stands = False

    def resources(self) -> dict[str, Any]:
        """What CloudFormation says that it made, by logical id."""
        listed = self._client("cloudformation").describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource for resource in listed}

    def template(self) -> dict[str, Any]:
        """What it was made from, after SAM's transform."""
        body = self._client("cloudformation").get_template(StackName=self.name, TemplateStage="Processed")["TemplateBody"]
        # As text where there was nothing to transform.
        return dict(cfn_yaml.loads(body) if isinstance(body, str) else body)

    def _uploaded(self, body: str) -> str:
        """By its URL, as `sam deploy` does: a request's own text ends at 51,200 bytes, and the template is longer."""
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
            raise Trouble(f"{self.name} could not be deleted: {self._why()}")
        return status == "DELETE_COMPLETE"

    def _why(self) -> str:
        events = self._client("cloudformation").describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
        return "; ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed) or "no reason given"
