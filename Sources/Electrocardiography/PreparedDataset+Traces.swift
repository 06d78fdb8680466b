extension PreparedDataset {
    /// A window's twelve leads, to be put on ECG paper.
    ///
    /// - Precondition: The window is below `windowCount`.
    /// - Throws: Where its samples are damaged.
    public func traces(ofWindow window: Int) throws(PreparedDatasetError)
        -> [ECGPaper.Trace]
    {
        let samples = samplesPerWindow
        var signal = Array(repeating: Float(0), count: Lead.allCases.count * samples)
        var span = signal.mutableSpan
        try readMillivolts(window: window, into: &span)
        return Lead.allCases.map { lead in
            ECGPaper.Trace(
                name: lead.name,
                millivolts: Array(signal[lead.rawValue * samples..<(lead.rawValue + 1) * samples]))
        }
    }
}
