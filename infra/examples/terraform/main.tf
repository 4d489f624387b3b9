# The warden from Terraform: the project's own CloudFormation template, with the zips of `make package`.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  functions = toset(["approve", "audit", "notify"])
  zips      = { for name in local.functions : name => "${var.repository}/target/lambda/${name}.zip" }

  # The packaged template names the zips by their paths. CloudFormation reads them from S3.
  template = join("\n", [
    for line in split("\n", file("${var.repository}/.aws-sam/build/template.yaml")) :
    try(
      replace(line, "/CodeUri: .*/", "CodeUri: s3://${var.artifacts_bucket}/${aws_s3_object.zip[regex("CodeUri: .*/(\\w+)\\.zip", line)[0]].key}"),
      line
    )
  ])

  # A parameter without a value keeps the template's default.
  parameters = { for name, value in local.given : name => tostring(value) if value != null }
}

resource "aws_s3_object" "zip" {
  for_each = local.zips

  bucket = var.artifacts_bucket
  key    = "${var.name}/${filesha256(each.value)}/${each.key}.zip"
  source = each.value
}

resource "aws_s3_object" "template" {
  bucket  = var.artifacts_bucket
  key     = "${var.name}/${sha256(local.template)}/template.yaml"
  content = local.template
}

data "aws_s3_bucket" "artifacts" {
  bucket = var.artifacts_bucket
}

resource "aws_cloudformation_stack" "warden" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.artifacts.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  parameters   = local.parameters
}

output "stack" {
  description = "The outputs of the stack: topics, functions, ledger, queues, bucket of reports"
  value       = aws_cloudformation_stack.warden.outputs
}
