//! Reads a stack of CloudFormation: its outputs and parameters. Only the command line calls it.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::{Client, error::ProvideErrorMetadata};

use crate::{aws::error::call_error, ports::CallError};

/// The settings of a deployed stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// The outputs by their keys.
    pub outputs: BTreeMap<String, String>,
    /// The parameters by their keys.
    pub parameters: BTreeMap<String, String>,
}

/// Returns a stack, if it exists.
///
/// # Errors
/// The call fails.
pub async fn read(config: &aws_config::SdkConfig, name: &str) -> Result<Option<Stack>, CallError> {
    let answer = match Client::new(config).describe_stacks().stack_name(name).send().await {
        Ok(answer) => answer,
        // CloudFormation has no error code of its own for it.
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => return Ok(None),
        Err(error) => return Err(call_error("DescribeStacks", error)),
    };
    Ok(answer.stacks().first().map(|stack| {
        let outputs = stack.outputs().iter().map(|one| (one.output_key(), one.output_value()));
        let parameters = stack.parameters().iter().map(|one| (one.parameter_key(), one.parameter_value()));
        let text = |(key, value): (Option<&str>, Option<&str>)| Some((key?.to_owned(), value?.to_owned()));
        Stack { outputs: outputs.filter_map(text).collect(), parameters: parameters.filter_map(text).collect() }
    }))
}
