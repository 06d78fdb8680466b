import Kernels

/// The hum of the mains, 50 or 60 Hz, as a sine whose size and phase may drift from second to second.
enum MainsHum {
    /// Hum of less than this is left alone, in mV.
    private static let leastMillivolts: Float = 0.01
    /// Hum stands out from the frequencies 4 Hz beside it by at least this factor.
    private static let contrast: Float = 3
    private static let blockCount = 500

    /// Subtracts hum from leads at the working rate.
    static func remove(from leads: inout [[Float]]) {
        for hertz in [50.0, 60] {
            let (tone, below, above) = (Tone(hertz), Tone(hertz - 4), Tone(hertz + 4))
            for lead in leads.indices {
                let sizes = [tone, below, above].map { $0.usualSize(leads[lead], blockCount) }
                guard sizes[0] > leastMillivolts,
                    sizes[0] > contrast * max(sizes[1], sizes[2])
                else { continue }
                tone.subtract(from: &leads[lead], blockCount)
            }
        }
    }

    /// One frequency, by table: a block is a whole number of its periods.
    private struct Tone {
        let cosines: [Float]
        let sines: [Float]

        init(_ hertz: Double) {
            let angles = (0..<blockCount).map {
                2 * Double.pi * hertz * Double($0) / ConditionedRecord.rateHz
            }
            cosines = angles.map { Float(ElementaryFunctions.cosine($0)) }
            sines = angles.map { Float(ElementaryFunctions.sine($0)) }
        }

        /// The two parts of the tone in a block, without the line that the block lies on.
        private func parts(_ lead: ArraySlice<Float>) -> (Float, Float) {
            var (a, b): (Float, Float) = (0, 0)
            lead.withUnsafeBufferPointer { lead in
                let step = (lead[lead.count - 1] - lead[0]) / Float(lead.count)
                for t in 0..<lead.count {
                    let value = lead[t] - lead[0] - step * Float(t)
                    a += value * cosines[t]
                    b += value * sines[t]
                }
            }
            return (2 * a / Float(lead.count), 2 * b / Float(lead.count))
        }

        func usualSize(_ lead: [Float], _ block: Int) -> Float {
            OrderStatistics.median(
                stride(from: 0, through: lead.count - block, by: block).map { start in
                    let (a, b) = parts(lead[start..<start + block])
                    return (a * a + b * b).squareRoot()
                })
        }

        /// Subtracts the tone; between the middles of blocks its parts change along lines.
        func subtract(from lead: inout [Float], _ block: Int) {
            let starts = Array(stride(from: 0, through: lead.count - block, by: block))
            let found = starts.map { parts(lead[$0..<$0 + block]) }
            guard !found.isEmpty else { return }
            // A beat's own part at this frequency differs from block to block; hum hardly does.
            let smoothed = found.indices.map { i in
                let near = found[max(0, i - 1)...min(found.count - 1, i + 1)]
                let count = Float(near.count)
                return (near.reduce(0) { $0 + $1.0 } / count, near.reduce(0) { $0 + $1.1 } / count)
            }
            for t in lead.indices {
                let place = (Float(t) - Float(block) / 2) / Float(block)
                let clamped = place < 0 ? 0 : min(place, Float(smoothed.count - 1))
                let i = Int(clamped)
                let (part, j) = (clamped - Float(i), min(i + 1, smoothed.count - 1))
                let a = smoothed[i].0 + part * (smoothed[j].0 - smoothed[i].0)
                let b = smoothed[i].1 + part * (smoothed[j].1 - smoothed[i].1)
                lead[t] -= a * cosines[t % block] + b * sines[t % block]
            }
        }
    }
}
