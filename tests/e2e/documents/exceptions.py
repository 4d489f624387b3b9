"""What the documents' commands do not do in the tests, with the reason of each."""

from __future__ import annotations

# The beginnings of commands that are not run here, and why.
NOT_RUN = {
    "sam deploy": "it asks questions; test_sam_deploy_uploads_the_packaged_zips runs it with answers",
    "sam deploy --guided": "as `sam deploy`",
    "sam delete": "it would delete the stack of the tests",
    "git checkout": "it would change the clone",
    "warden smoke": "it needs the profiles of two accounts; test_smoke.py runs it with two",
    "cargo install --locked --path cli": "`make test` has built it",
    "warden smoke --profile": "it needs two profiles and takes minutes; test_smoke.py runs it",
    "make": "the targets build for minutes, or run these tests; the target has to exist",
}
# Calls that the emulator does not have, with the reason. All other calls reach the deployed stack.
NOT_CALLED = {
    "cloudformation.ActivateOrganizationsAccess": "the emulator has no stack sets",
    "cloudformation.CreateStackSet": "the emulator has no stack sets",
    "cloudformation.CreateStackInstances": "the emulator has no stack sets",
    "cloudformation.ListStackInstances": "the emulator has no stack sets",
    "dynamodb.ListBackups": "the emulator has no system backups",
    "dynamodb.RestoreTableFromBackup": "the emulator has no system backups",
    "dynamodb.RestoreTableToPointInTime": "the test makes the restored table",
}
