//! The most memory this process ever had, by the kernel's own count.

/// In bytes. Zero where there is no `/proc`.
pub fn memory_bytes() -> u64 {
    memory_bytes_of(Some(std::process::id()))
}

/// The same of another process.
pub fn memory_bytes_of(process: Option<u32>) -> u64 {
    let status = process.and_then(|id| std::fs::read_to_string(format!("/proc/{id}/status")).ok()).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() * 1024
}
