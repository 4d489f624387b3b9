//! Private DNS names of services, and the proof that the provider owns the domain: a TXT record.
//!
//! A record is looked up when verification starts. (inference) AWS looks for some time, and documents no error codes.

use super::{
    consumer::NewEndpoint,
    error::{Ec2Error, Ec2Result},
    model::{PrivateDns, Service},
    state::World,
};

impl World {
    /// Publishes a TXT record in the public DNS.
    pub fn publish_txt_record(&mut self, name: &str, value: &str) {
        self.txt_records.insert((name.to_owned(), value.to_owned()));
    }

    /// Looks for the record of a service's private DNS name.
    pub fn start_verification(&mut self, owner: &str, service_id: &str) -> Ec2Result<()> {
        self.owned_service(owner, service_id)?;
        let records = &self.txt_records;
        let dns = self.services.get_mut(service_id).and_then(|service| service.private_dns.as_mut());
        let dns = dns.ok_or_else(|| invalid(format!("{service_id} has no private DNS name")))?;
        let is_there = |domain: &str| records.contains(&(format!("{}.{domain}", dns.record_name), dns.record_value.clone()));
        dns.state = if domains(&dns.name).any(is_there) { "verified" } else { "failed" }.to_owned();
        Ok(())
    }

    /// Returns the configuration of a new private DNS name.
    pub(super) fn new_private_dns(&mut self, service_kind: &str, name: String) -> Ec2Result<PrivateDns> {
        if service_kind != "Interface" {
            return Err(invalid("Private DNS names are not supported for Gateway Load Balancer endpoints".to_owned()));
        }
        let (record_name, record_value) = (self.id("_"), self.id("vpce:"));
        Ok(PrivateDns { name, state: "pendingVerification".to_owned(), record_name, record_value })
    }
}

/// Checks that an endpoint may use its service's private DNS name. [S: the code and the message for a service without one]
pub(super) fn check_endpoint(service: &Service, new: &NewEndpoint) -> Ec2Result<()> {
    let refuse = |why: &str| Err(invalid(format!("Private DNS can't be enabled because the service {} {why}.", service.name)));
    match &service.private_dns {
        _ if !new.private_dns_enabled => Ok(()),
        None => refuse("does not provide a private DNS name"),
        Some(dns) if dns.state != "verified" => refuse("has not verified its private DNS name"),
        Some(_) => Ok(()),
    }
}

/// The name and the domains above it: "you can verify example.com, instead of a.example.com".
fn domains(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.')))
}

fn invalid(message: String) -> Ec2Error {
    Ec2Error::new("InvalidParameter", message)
}
