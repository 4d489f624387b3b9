//! Endpoint services and who may see them.

use super::{Ec2Error, Filter, Page, PageRequest, Tags, Unsuccessful, World, filters::passes};

/// An endpoint service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `vpce-svc-…`.
    pub id: String,
    /// Its owner's account.
    pub owner: String,
    /// `com.amazonaws.vpce.REGION.vpce-svc-…`.
    pub name: String,
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// `Available`, `Deleting`, …
    pub state: String,
    /// Whether consumers wait.
    pub acceptance_required: bool,
    /// What stands behind it.
    pub load_balancer_arns: Vec<String>,
    /// The Regions it can be reached from.
    pub supported_regions: Vec<String>,
    /// Its private DNS name.
    pub private_dns_name: Option<String>,
    /// The owner's tags.
    pub tags: Tags,
}

/// What a new service is made of.
#[derive(Debug, Clone)]
pub struct NewService {
    /// `Interface` or `GatewayLoadBalancer`.
    pub kind: String,
    /// What stands behind it.
    pub load_balancer_arns: Vec<String>,
    /// Whether consumers wait.
    pub acceptance_required: bool,
    /// The owner's tags.
    pub tags: Tags,
    /// The Regions it can be reached from.
    pub supported_regions: Vec<String>,
    /// Its private DNS name.
    pub private_dns_name: Option<String>,
}

impl Default for NewService {
    fn default() -> Self {
        Self {
            kind: "Interface".to_owned(),
            load_balancer_arns: Vec::new(),
            acceptance_required: true,
            tags: Tags::new(),
            supported_regions: Vec::new(),
            private_dns_name: None,
        }
    }
}

/// What is changed of a service; `None` and empty leave as it is.
#[derive(Debug, Clone, Default)]
pub struct ServiceChange {
    /// Whether consumers wait.
    pub acceptance_required: Option<bool>,
    /// Its private DNS name.
    pub private_dns_name: Option<String>,
    /// Load balancers to add.
    pub add_load_balancer_arns: Vec<String>,
    /// Load balancers to remove.
    pub remove_load_balancer_arns: Vec<String>,
    /// Regions to add.
    pub add_supported_regions: Vec<String>,
    /// Regions to remove.
    pub remove_supported_regions: Vec<String>,
}

impl World {
    /// Offers a service.
    ///
    /// # Errors
    /// When nothing stands behind it.
    pub fn create_service(&mut self, owner: &str, new: NewService) -> Result<Service, Ec2Error> {
        if new.load_balancer_arns.is_empty() {
            return Err(Ec2Error::new(
                "MissingParameter",
                "The request must contain the parameter NetworkLoadBalancerArn or GatewayLoadBalancerArn",
            ));
        }
        let id = self.id("vpce-svc-");
        let mut supported_regions = new.supported_regions;
        if !supported_regions.contains(&self.region) {
            supported_regions.insert(0, self.region.clone());
        }
        let service = Service {
            name: format!("com.amazonaws.vpce.{}.{id}", self.region),
            id: id.clone(),
            owner: owner.to_owned(),
            kind: new.kind,
            state: "Available".to_owned(),
            acceptance_required: new.acceptance_required,
            load_balancer_arns: new.load_balancer_arns,
            supported_regions,
            private_dns_name: new.private_dns_name,
            tags: new.tags,
        };
        self.services.insert(id, service.clone());
        Ok(service)
    }

    /// The owner's services.
    ///
    /// # Errors
    /// For an id that is not the owner's, an unknown filter or a bad page.
    pub fn describe_services(&self, owner: &str, ids: &[String], filters: &[Filter], page: PageRequest) -> Result<Page<Service>, Ec2Error> {
        ids.iter().try_for_each(|id| self.owned(owner, id).map(drop))?;
        let mut found = Vec::new();
        for service in self.services.values().filter(|service| service.owner == owner && (ids.is_empty() || ids.contains(&service.id))) {
            let value = |name: &str| match name {
                "service-id" => Some(vec![service.id.clone()]),
                "service-name" => Some(vec![service.name.clone()]),
                "service-state" => Some(vec![service.state.clone()]),
                "supported-region" => Some(service.supported_regions.clone()),
                "tag-key" => Some(service.tags.keys().cloned().collect()),
                _ => name.strip_prefix("tag:").map(|key| service.tags.get(key).cloned().into_iter().collect()),
            };
            if passes(filters, value)? {
                found.push(service);
            }
        }
        self.page(found, &page)
    }

    /// Changes a service.
    ///
    /// # Errors
    /// When it is not the caller's.
    pub fn modify_service(&mut self, owner: &str, id: &str, change: ServiceChange) -> Result<(), Ec2Error> {
        self.owned(owner, id)?;
        if let Some(service) = self.services.get_mut(id) {
            service.acceptance_required = change.acceptance_required.unwrap_or(service.acceptance_required);
            service.private_dns_name = change.private_dns_name.or(service.private_dns_name.take());
            service.load_balancer_arns.retain(|arn| !change.remove_load_balancer_arns.contains(arn));
            service.load_balancer_arns.extend(change.add_load_balancer_arns);
            service.supported_regions.retain(|region| !change.remove_supported_regions.contains(region));
            service.supported_regions.extend(change.add_supported_regions);
        }
        Ok(())
    }

    /// Withdraws services. One with live connections stays.
    pub fn delete_services(&mut self, owner: &str, ids: &[String]) -> Vec<Unsuccessful> {
        let mut failed = Vec::new();
        for id in ids {
            let live = self.connections.values().any(|connection| connection.service_id == *id && connection.is_live());
            let error = match self.owned(owner, id) {
                Err(error) => Some(error),
                Ok(_) if live => Some(Ec2Error::new(
                    "ExistingVpcEndpointConnections",
                    format!("Service {id} has existing active VPC Endpoint connections"),
                )),
                Ok(_) => None,
            };
            match error {
                Some(error) => failed.push(Unsuccessful { resource_id: id.clone(), code: error.code, message: error.message }),
                None => drop(self.services.remove(id)),
            }
        }
        failed
    }

    /// The services of these names that a consumer may see.
    ///
    /// # Errors
    /// `InvalidServiceName` for one it may not: to a stranger a service does not exist.
    pub fn find_services(&self, account: &str, names: &[String]) -> Result<Vec<Service>, Ec2Error> {
        names.iter().map(|name| self.visible(account, name).cloned()).collect()
    }

    pub(super) fn visible(&self, account: &str, name: &str) -> Result<&Service, Ec2Error> {
        let service = self
            .services
            .values()
            .find(|service| service.name == name && (service.owner == account || self.is_allowed(account, &service.id)));
        service.ok_or_else(|| Ec2Error::new("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist")))
    }

    pub(super) fn owned(&self, owner: &str, id: &str) -> Result<&Service, Ec2Error> {
        let service = self.services.get(id).filter(|service| service.owner == owner);
        service.ok_or_else(|| {
            Ec2Error::new("InvalidVpcEndpointServiceId.NotFound", format!("The VpcEndpointService Id '{id}' does not exist"))
        })
    }
}
