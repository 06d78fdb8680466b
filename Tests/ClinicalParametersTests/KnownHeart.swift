import Foundation
import TestSupport

/// Records whose intervals are known, because every wave begins and ends where it is told to.
struct KnownHeart {
    var ratePerMinute = 72.0
    var pMilliseconds = 100.0
    var prMilliseconds = 160.0
    var qrsMilliseconds = 92.0
    var qtMilliseconds = 390.0
    var axisDegrees = 40.0
    var hasP = true
    /// Heights along the heart's axis.
    var pMillivolts = 0.14
    var tMillivolts = 0.32
    /// Every n-th beat begins in a ventricle.
    var ectopicEvery: Int?
    /// A spike of this many mV before QRS.
    var spikeMillivolts = 0.0
    var sampleRateHz = 500.0
    var seconds = 10.0
    /// Deviation of white noise, in mV.
    var noiseMillivolts = 0.0
    /// Where the first QRS begins, in seconds.
    var firstSeconds = 0.45

    /// Beginnings of QRS in seconds.
    var onsets: [Double] {
        let distance = 60 / ratePerMinute
        return (0..<Int(seconds / distance + 2)).map { number in
            let isEarly = ectopicEvery.map { number % $0 == $0 - 1 } ?? false
            return firstSeconds + (Double(number) - (isEarly ? 0.25 : 0)) * distance
        }.filter { $0 < seconds }
    }

    /// Twelve leads in mV.
    func leads(seed: UInt64 = 1) -> [[Float]] {
        let count = Int((seconds * sampleRateHz).rounded())
        var frontal = [SIMD2<Double>](repeating: .zero, count: count)
        var chest = [Double](repeating: 0, count: count)
        let axis = axisDegrees * .pi / 180
        let direction = SIMD2(cos(axis), sin(axis))
        func add(
            _ from: Double, _ milliseconds: Double, _ size: Double, isSmooth: Bool,
            _ turn: Double = 0
        ) {
            let length = milliseconds / 1000
            let first = max(0, Int((from * sampleRateHz).rounded(.up)))
            let last = min(count - 1, Int(((from + length) * sampleRateHz).rounded(.down)))
            guard first <= last else { return }
            for t in first...last {
                let phase = (Double(t) / sampleRateHz - from) / length
                let shape = isSmooth ? 0.5 - 0.5 * cos(2 * .pi * phase) : sin(.pi * phase)
                frontal[t] += direction * (size * shape)
                chest[t] += size * shape * (0.6 + turn)
            }
        }
        for (number, onset) in onsets.enumerated() {
            let isEctopic = ectopicEvery.map { number % $0 == $0 - 1 } ?? false
            guard !isEctopic else {
                add(onset, 150, -1.6, isSmooth: false)
                add(onset + 0.15, 60, 0.5, isSmooth: false)
                add(onset + 0.22, 180, 0.5, isSmooth: true)
                continue
            }
            if hasP {
                add(onset - prMilliseconds / 1000, pMilliseconds, pMillivolts, isSmooth: true)
            }
            let q = qrsMilliseconds / 1000
            // At high rates T begins sooner.
            let tStart = min(0.09, 0.25 * (qtMilliseconds / 1000 - q))
            add(onset, 0.25 * qrsMilliseconds, -0.12, isSmooth: false)
            add(onset + 0.25 * q, 0.5 * qrsMilliseconds, 1.2, isSmooth: false)
            add(onset + 0.75 * q, 0.25 * qrsMilliseconds, -0.25, isSmooth: false, -1)
            add(
                onset + q + tStart, qtMilliseconds - qrsMilliseconds - 1000 * tStart, tMillivolts,
                isSmooth: true)
            if spikeMillivolts != 0 {
                let t = Int((onset - 0.012) * sampleRateHz)
                if frontal.indices.contains(t) {
                    frontal[t] += direction * spikeMillivolts
                    chest[t] += spikeMillivolts
                }
            }
        }
        return twelve(frontal, chest, seed: seed)
    }

    private func twelve(_ frontal: [SIMD2<Double>], _ chest: [Double], seed: UInt64) -> [[Float]] {
        var random = SeededRandom(seed: seed)
        func noise() -> Double {
            // Three uniform numbers between -1 and 1 have a deviation of 1.
            (0..<3).reduce(0.0) { sum, _ in sum + Double.random(in: -1...1, using: &random) }
                * noiseMillivolts
        }
        let i = frontal.map { $0.x + noise() }
        // aVF is as long as lead I only after a factor of root 3 / 2.
        let ii = zip(frontal, i).map { 0.5 * $0.x + $0.y * 3.0.squareRoot() / 2 + $1 * 0 + noise() }
        var leads: [[Double]] = [i, ii]
        leads.append(zip(i, ii).map { $1 - $0 })
        leads.append(zip(i, ii).map { -($0 + $1) / 2 })
        leads.append(zip(i, ii).map { $0 - $1 / 2 })
        leads.append(zip(i, ii).map { $1 - $0 / 2 })
        for strength in [-0.5, -0.2, 0.5, 1.0, 1.1, 0.9] {
            leads.append(chest.map { strength * $0 + noise() })
        }
        return leads.map { $0.map { Float($0) } }
    }
}
