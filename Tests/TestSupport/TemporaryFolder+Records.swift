import Runtime

extension TemporaryFolder {
    /// Writes a WFDB record of twelve leads, format 16, 20,000 units/mV: amplitudes up to 1.6 mV.
    ///
    /// - Parameters:
    ///   - path: The record's path in the folder, without an ending.
    ///   - seconds: Its length.
    ///   - rateHz: Samples a second.
    ///   - invalidSeconds: Times whose sample is invalid, in all leads.
    ///   - millivolts: What a lead has at a time in seconds.
    /// - Throws: When a file cannot be written.
    public func writeRecord(
        _ path: String, seconds: Double, rateHz: Int, invalidSeconds: [Double] = [],
        millivolts: (_ lead: Int, _ second: Double) -> Double
    ) throws {
        let leads = [
            "I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6",
        ]
        let count = Int((seconds * Double(rateHz)).rounded())
        let invalid = Set(invalidSeconds.map { Int(($0 * Double(rateHz)).rounded()) })
        var samples: [Int16] = []
        samples.reserveCapacity(count * leads.count)
        for t in 0..<count {
            for lead in leads.indices {
                let value = millivolts(lead, Double(t) / Double(rateHz)) * 20_000
                samples.append(invalid.contains(t) ? .min : Int16(value.rounded()))
            }
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var lines = ["\(name) \(leads.count) \(rateHz) \(count)"]
        for (i, lead) in leads.enumerated() {
            let sum = stride(from: i, to: samples.count, by: leads.count)
                .reduce(Int16(0)) { $0 &+ samples[$1] }
            lines.append("\(name).dat 16 20000(0)/mV 16 0 \(samples[i]) \(sum) 0 \(lead)")
        }
        try write(lines.joined(separator: "\n") + "\n", to: path + ".hea")
        try write(
            samples.flatMap {
                [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)]
            }, to: path + ".dat")
    }
}
