extension Tape {
    /// Signals with their leads last, which are given and not differentiated.
    ///
    /// - Parameters:
    ///   - signals: Shape `[count * leads, samples]`.
    ///   - leads: Leads of a signal.
    /// - Returns: Shape `[count * samples, leads]`.
    public func channelsLast(_ signals: Value, leads: Int) -> Value {
        precondition(signals.rows % leads == 0, "\(signals.rows) rows are no \(leads) leads each")
        let (count, samples) = (signals.rows / leads, signals.columns)
        let y = input(rows: count * samples, columns: leads)
        for signal in 0..<count {
            for lead in 0..<leads {
                let from = signals.data + (signal * leads + lead) * samples
                let to = y.data + signal * samples * leads + lead
                for t in 0..<samples { to[t * leads] = from[t] }
            }
        }
        return y
    }
}
