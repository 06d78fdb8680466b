/// Spikes of a pacemaker: a few milliseconds wide, in several leads at once.
///
/// They are looked for in the samples as they were recorded: other rates smear a spike over its surroundings.
enum PacingSpikes {
    /// A spike differs from its surroundings by at least this, and by this many times what samples usually do.
    private static let (leastMillivolts, leastContrast): (Float, Float) = (0.1, 10)
    /// Slower records show a spike no narrower than a QRS complex.
    private static let leastRateHz = 90.0
    /// A spike is over after 8 ms, or a sample.
    private static let widthSeconds = 0.008
    /// The part of its height by which a spike leaves the lines that its surroundings are on.
    private static let sharpness: Float = 0.8
    /// The part of its height that the signal may move in 16 ms before it.
    private static let calmShare: Float = 0.2
    /// Spikes follow each other by at least 20 ms.
    private static let distanceSeconds = 0.02
    /// The charge that a spike leaves in the electrodes has mostly gone after 30 ms.
    private static let tailSeconds = 0.03
    /// What is left behind a spike is a tail when it has the other sign and this part of the spike's height.
    private static let tailShare: Float = 0.06

    /// The spike of a ventricle comes up to 130 ms before R, that of an atrium up to 400 ms, in samples of the working rate.
    private static let (ventricle, atrium) = (-6...65, 66...200)
    /// Spikes of an atrium have one distance to R, within so many samples: 12 ms.
    private static let scatter = 6

    /// Whether spikes come before beats: two or more shortly before R, or at one distance farther away.
    ///
    /// Single spikes anywhere are artefacts. Without beats nothing tells them apart.
    static func arePacing(_ spikes: [Int], _ beats: [Int]) -> Bool {
        guard !beats.isEmpty else { return spikes.count > 1 }
        let distances = spikes.compactMap { spike in
            beats.first { $0 >= spike + ventricle.lowerBound }.map { $0 - spike }
        }
        let early = distances.filter(atrium.contains).sorted()
        return distances.count(where: ventricle.contains) > 1
            || zip(early, early.dropFirst()).contains { $1 - $0 <= scatter }
    }

    /// Bridges spikes, and the tails that they leave, with straight lines.
    ///
    /// - Parameters:
    ///   - leads: In mV, all of one length.
    ///   - rateHz: Their rate.
    /// - Returns: The spikes' samples.
    static func remove(from leads: inout [[Float]], rateHz: Double) -> [Int] {
        let width = max(1, Int((widthSeconds * rateHz).rounded()))
        let outer = 3 * width
        guard let count = leads.first?.count, count > 8 * outer, rateHz >= leastRateHz else {
            return []
        }
        let places = places(in: leads, width, outer, Int(distanceSeconds * rateHz))
        let tail = Int((tailSeconds * rateHz).rounded())
        for t in places {
            let end = hasTail(leads, t, width) ? max(width, tail) : width
            for lead in leads.indices { bridge(&leads[lead], t - width, t + end) }
        }
        return places
    }

    private static func places(
        in leads: [[Float]], _ width: Int, _ outer: Int, _ distance: Int
    ) -> [Int] {
        let count = leads[0].count
        var votes = [UInt8](repeating: 0, count: count)
        var heights = [Float](repeating: 0, count: count)
        for lead in leads {
            func height(_ t: Int) -> Float {
                abs(lead[t] - (lead[t - width] + lead[t + width]) / 2)
            }
            let usual = OrderStatistics.median(
                stride(from: outer, to: count - outer, by: 1 + count / 1000).map(height))
            let least = max(leastMillivolts, leastContrast * usual)
            for t in outer..<count - outer {
                let height = height(t)
                guard height > least, isSharp(lead, t, width, height) else { continue }
                votes[t] += 1
                heights[t] += height
            }
        }
        let needed = max(1, UInt8(leads.count / 4))
        var places: [Int] = []
        for t in votes.indices where votes[t] >= needed {
            guard let last = places.last, t - last < max(2, distance) else {
                places.append(t)
                continue
            }
            if heights[t] > heights[last] { places[places.count - 1] = t }
        }
        return places
    }

    /// Whether a sample lies far off the lines that the signal before and after it is on, and comes out of calm.
    ///
    /// Even the sharpest complex comes and goes along such lines; its notches do not come out of calm.
    private static func isSharp(
        _ lead: [Float], _ t: Int, _ width: Int, _ height: Float
    ) -> Bool {
        let isUp = lead[t] > (lead[t - width] + lead[t + width]) / 2
        let before = lead[t] - (2 * lead[t - width] - lead[t - 2 * width])
        let after = lead[t] - (2 * lead[t + width] - lead[t + 2 * width])
        guard min(isUp ? before : -before, isUp ? after : -after) > sharpness * height else {
            return false
        }
        return (2...3).allSatisfy {
            abs(lead[t - width] - lead[t - $0 * width]) < calmShare * height
        }
    }

    /// Whether most leads that show the spike are on the other side of the level before it when it is over.
    private static func hasTail(_ leads: [[Float]], _ t: Int, _ width: Int) -> Bool {
        var (with, without) = (0, 0)
        for lead in leads {
            let level = lead[t - width]
            let (height, rest) = (lead[t] - level, lead[t + width] - level)
            guard abs(height) > leastMillivolts else { continue }
            if rest * height < 0, abs(rest) > tailShare * abs(height) {
                with += 1
            } else {
                without += 1
            }
        }
        return with > without
    }

    private static func bridge(_ lead: inout [Float], _ first: Int, _ last: Int) {
        let (from, to) = (max(0, first), min(lead.count - 1, last))
        let (start, end) = (lead[from], lead[to])
        for i in from...to {
            lead[i] = start + (end - start) * Float(i - from) / Float(to - from)
        }
    }
}
