/// Order statistics of small sets of numbers; ties and order of the input do not show.
enum OrderStatistics {
    /// The middle value; the mean of the two middle ones; 0 of nothing.
    static func median(_ values: [Float]) -> Float {
        let sorted = values.sorted()
        guard let last = sorted.last else { return 0 }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2
            : (middle < sorted.count ? sorted[middle] : last)
    }

    /// The middle value of doubles; `nil` of nothing.
    static func median(_ values: [Double]) -> Double? { quantile(values, 0.5) }

    /// A quantile with linear interpolation between neighbours; `nil` of nothing.
    static func quantile(_ values: [Double], _ part: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let place = part * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(sorted.count - 1, below + 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }

    /// A quantile of about three hundred of the values.
    static func quantile(_ values: [Float], _ part: Double) -> Float {
        let sorted = stride(from: 0, to: values.count, by: max(1, values.count / 300))
            .map { values[$0] }.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[Int(part * Double(sorted.count - 1))]
    }
}
