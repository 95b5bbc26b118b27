//! Measured latency of every NAS-Bench-201 architecture on 27 devices (HELP, Lee et al., 2021).
//!
//! A device's name ends in the batch size where several were measured (`1080ti_32`). `raspi4`,
//! `pixel3`, `eyeriss` and `fpga` are the CIFAR-10 values of HW-NAS-Bench (Li et al., 2021).

use std::path::Path;
use std::sync::OnceLock;

use super::file::table_file;
use super::names::unknown;
use super::rows::Rows;
use super::{ARCHITECTURES, ArchId, TableError};

table_file! {
    /// Latency of NAS-Bench-201 architectures on 27 devices.
    LATENCIES = {
        "nasbench201-latency",
        "nb201_latency_help.csv.gz",
        15_625,
        "df9eaf697ede7a64227e7229b0312fb27a0f201a27b30ec01f0304207c484313",
        "MIT",
        "HELP@45f70eb; raspi4, pixel3, eyeriss and fpga by HW-NAS-Bench (MIT)",
    }
}

/// A device of the table, with its batch size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(u8);

/// The table: milliseconds for each device and architecture.
#[derive(Debug)]
pub struct Latencies {
    devices: Vec<String>,
    milliseconds: Vec<Vec<f64>>,
}

impl Latencies {
    /// The embedded table, loaded on first use.
    ///
    /// # Errors
    /// When the embedded bytes are not the table's.
    pub fn embedded() -> Result<&'static Latencies, TableError> {
        static TABLE: OnceLock<Result<Latencies, TableError>> = OnceLock::new();
        TABLE.get_or_init(|| LATENCIES.load(Self::read)).as_ref().map_err(Clone::clone)
    }

    /// The table from a file of the same bytes.
    ///
    /// # Errors
    /// When the file can't be read or has another checksum.
    pub fn from_path(path: &Path) -> Result<Latencies, TableError> {
        LATENCIES.load_path(path, Self::read)
    }

    fn read(rows: &mut Rows<'_>) -> Result<Self, TableError> {
        let header = rows.header()?;
        let mut devices = Vec::with_capacity(header.len());
        for name in header.iter().skip(1) {
            let device =
                name.strip_suffix("_ms").ok_or_else(|| rows.wrong("a device's name and `_ms`", name.as_bytes()))?;
            devices.push(device.to_owned());
        }
        let mut milliseconds = vec![Vec::with_capacity(ARCHITECTURES); devices.len()];
        while rows.advance()? {
            let index = rows.natural()?;
            if index as usize != rows.count() - 1 {
                return Err(rows.wrong("the number of the row", index.to_string().as_bytes()));
            }
            for column in &mut milliseconds {
                column.push(rows.decimal()?);
            }
        }
        Ok(Latencies { devices, milliseconds })
    }

    /// Every device, with its name.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = (DeviceId, &str)> {
        self.devices.iter().enumerate().map(|(i, name)| (DeviceId(i as u8), name.as_str()))
    }

    /// The device of a name such as `raspi4` or `1080ti_32`.
    ///
    /// # Errors
    /// [`TableError::UnknownName`], with the nearest name.
    pub fn device(&self, name: &str) -> Result<DeviceId, TableError> {
        let known: Vec<&str> = self.devices.iter().map(String::as_str).collect();
        match known.iter().position(|device| *device == name) {
            Some(i) => Ok(DeviceId(i as u8)),
            None => Err(unknown("device", name, &known)),
        }
    }

    /// Latency of an architecture on a device, in milliseconds for a batch.
    #[inline]
    pub fn milliseconds(&self, device: DeviceId, arch: ArchId) -> f64 {
        self.milliseconds[usize::from(device.0)][arch.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_values() {
        let table = Latencies::embedded().expect("the embedded table");
        assert_eq!(table.devices().len(), 27);
        let on = |device: &str, index: usize| {
            let device = table.device(device).expect("a device");
            table.milliseconds(device, ArchId::new(index).expect("an index"))
        };
        assert_eq!(on("1080ti_1", 0), 10.75437);
        assert_eq!(on("essential_ph_1", 0), 9.0);
        assert_eq!(on("raspi4", 1), 54.7774);
        assert_eq!(on("titanxp_32", 2), 8.77308);
        for (device, _) in table.devices() {
            assert!(ArchId::all().all(|arch| table.milliseconds(device, arch) > 0.0));
        }
    }

    #[test]
    fn unknown_devices_get_the_nearest_name() {
        let table = Latencies::embedded().expect("the embedded table");
        let error = table.device("raspi-4").expect_err("unknown").to_string();
        assert!(error.contains("unknown device `raspi-4`, did you mean `raspi4`?"), "{error}");
        let error = table.device("abacus-with-beads").expect_err("unknown").to_string();
        assert!(error.contains("; known: 1080ti_1, "), "{error}");
    }
}
