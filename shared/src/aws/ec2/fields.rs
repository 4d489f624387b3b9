//! The members of EC2's API that aws-sdk-ec2 lacks: those of transit gateway attachments (1.274.0 has none of them).
//!
//! [`Parameters`] writes them into the form of the SDK's own request before it is signed, and [`Fields`] reads them from the XML of
//! its answer. The test `sdk_lacks_attachments` of tests/wire fails when the SDK has learned them. Then the SDK's members replace
//! this file.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept,
            context::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut},
            dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use aws_smithy_xml::decode::{Document, XmlDecodeError, try_data};

use crate::ports::CallError;

/// Parameters that are added to a request.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// In the form's encoding.
    form: String,
}

impl Parameters {
    /// Adds a parameter. Its value holds only characters that a form does not escape.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.form.push_str(&format!("&{name}={value}"));
        self
    }
}

#[dyn_dispatch_hint]
impl Intercept for Parameters {
    fn name(&self) -> &'static str {
        "Parameters"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.form.is_empty() {
            return Ok(());
        }
        let request = context.request_mut();
        let form = [request.body().bytes().ok_or("the request has no form")?, self.form.as_bytes()].concat();
        request.headers_mut().insert("content-length", form.len().to_string());
        *request.body_mut() = SdkBody::from(form);
        Ok(())
    }
}

/// The values of one item, in the order of the names.
type Values<const N: usize> = [Option<String>; N];

/// Members of the items of an answer's set.
#[derive(Debug, Clone)]
pub(super) struct Fields<const N: usize> {
    set: &'static str,
    names: [&'static str; N],
    items: Arc<Mutex<Vec<Values<N>>>>,
}

impl<const N: usize> Fields<N> {
    pub(super) fn of(set: &'static str, names: [&'static str; N]) -> Self {
        Self { set, names, items: Arc::default() }
    }

    /// Returns each item as the SDK reads it, beside the members that it lacks.
    pub(super) fn beside<'a, T>(&self, call: &'static str, items: &'a [T]) -> Result<impl Iterator<Item = (&'a T, Values<N>)>, CallError> {
        let read = self.items.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if read.len() != items.len() {
            let message = format!("the answer has {} items, and the SDK read {}", read.len(), items.len());
            return Err(CallError { call, code: None, message, source: None });
        }
        Ok(items.iter().zip(read))
    }

    fn read(&self, answer: &[u8]) -> Result<Vec<Values<N>>, XmlDecodeError> {
        let (mut document, mut items) = (Document::try_from(answer)?, Vec::new());
        let mut root = document.root_element()?;
        while let Some(mut set) = root.next_tag() {
            if !set.start_el().matches(self.set) {
                continue;
            }
            while let Some(mut item) = set.next_tag() {
                let mut values = [const { None }; N];
                while let Some(mut member) = item.next_tag() {
                    let place = self.names.iter().position(|name| member.start_el().matches(name));
                    if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                        *value = Some(try_data(&mut member)?.into_owned());
                    }
                }
                items.push(values);
            }
        }
        Ok(items)
    }
}

#[dyn_dispatch_hint]
impl<const N: usize> Intercept for Fields<N> {
    fn name(&self) -> &'static str {
        "Fields"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.output_or_error().is_ok() {
            let read = self.read(context.response().body().bytes().unwrap_or_default())?;
            *self.items.lock().unwrap_or_else(PoisonError::into_inner) = read;
        }
        Ok(())
    }
}
