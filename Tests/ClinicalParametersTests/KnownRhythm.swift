import Foundation
import TestSupport

/// Records whose beats are known: each is a sum of bell curves in eight leads, from which the other four follow.
struct KnownRhythm {
    /// A bell curve: seconds after the beat, standard deviation in seconds, mV in I, II, V1 to V6.
    struct Bell {
        var centre: Double
        var width: Double
        var sizes: [Double]

        init(_ centre: Double, _ width: Double, _ sizes: [Double]) {
            (self.centre, self.width, self.sizes) = (centre, width, sizes)
        }

        func times(_ factor: Double) -> Bell { Bell(centre, width, sizes.map { factor * $0 }) }
        func moved(to centre: Double) -> Bell { Bell(centre, width, sizes) }
    }

    static let p = Bell(-0.17, 0.022, [0.08, 0.15, 0.06, 0.06, 0.07, 0.08, 0.08, 0.08])
    static let t = Bell(0.27, 0.045, [0.2, 0.3, -0.1, 0.35, 0.4, 0.4, 0.3, 0.25])
    static let narrow = [
        Bell(-0.028, 0.008, [-0.05, -0.08, 0, 0, 0, -0.05, -0.08, -0.08]),
        Bell(0, 0.011, [0.7, 1.1, 0.2, 0.4, 0.8, 1.3, 1.3, 1]),
        Bell(0.03, 0.01, [-0.1, -0.15, -0.9, -1.3, -0.8, -0.4, -0.2, -0.1]),
    ]
    static let leftBlock = [
        Bell(-0.03, 0.014, [0.25, 0.15, -0.5, -0.8, -0.6, -0.1, 0.2, 0.3]),
        Bell(0.01, 0.022, [0.6, 0.3, -1, -1.6, -1.2, -0.3, 0.5, 0.8]),
        Bell(0.048, 0.018, [0.7, 0.2, -0.8, -1.2, -0.9, 0.2, 0.8, 0.9]),
    ]
    static let leftBlockT = Bell(0.31, 0.05, [-0.3, -0.1, 0.5, 0.9, 0.7, 0.2, -0.2, -0.35])
    static let paced = [
        Bell(-0.02, 0.018, [0.2, -0.5, -0.4, -0.6, -0.6, -0.5, -0.4, -0.2]),
        Bell(0.02, 0.026, [0.6, -1, -0.8, -1.4, -1.6, -1.4, -1, -0.6]),
        Bell(0.065, 0.022, [0.3, -0.6, -0.3, -0.5, -0.7, -0.8, -0.7, -0.4]),
    ]
    static let pacedT = Bell(0.33, 0.055, [-0.3, 0.6, 0.5, 0.9, 1, 0.8, 0.5, 0.3])
    static let ventricular = [
        Bell(-0.025, 0.016, [0.3, 0.2, 0.3, 0.4, 0.3, 0.1, 0, 0]),
        Bell(0.02, 0.026, [-0.5, 1.2, 0.9, 1.5, 1.3, 0.6, 0.3, 0.2]),
        Bell(0.075, 0.022, [0.1, -0.2, -0.3, -0.6, -0.7, -0.6, -0.4, -0.3]),
    ]
    static let ventricularT = Bell(0.33, 0.052, [0.2, -0.5, -0.3, -0.6, -0.5, -0.2, -0.1, -0.1])

    /// The beginnings of regular beats.
    static func regular(_ ratePerMinute: Double, from start: Double = 0.4, to end: Double = 10.4)
        -> [Double]
    { Array(stride(from: start, to: end, by: 60 / ratePerMinute)) }

    var seconds = 10.0
    var sampleRateHz = 500.0
    /// Deviation of white noise, in mV.
    var noiseMillivolts = 0.005
    /// Places of the beats in seconds, in the order in which they were added.
    private(set) var beats: [Double] = []
    private var bells: [Bell] = []
    private var spikes: [(seconds: Double, millivolts: Double, undershoot: Double)] = []

    init(seconds: Double = 10, sampleRateHz: Double = 500, noiseMillivolts: Double = 0.005) {
        (self.seconds, self.sampleRateHz) = (seconds, sampleRateHz)
        self.noiseMillivolts = noiseMillivolts
    }

    /// Adds beats of some waves.
    mutating func add(_ places: [Double], _ waves: [Bell]) {
        for place in places {
            if place >= 0, place < seconds { beats.append(place) }
            bells += waves.map { $0.moved(to: place + $0.centre) }
        }
    }

    /// Adds spikes of 2 ms, with a tail of the other sign.
    mutating func addSpikes(_ places: [Double], millivolts: Double, undershoot: Double = 0) {
        spikes += places.map { ($0, millivolts, undershoot) }
    }

    /// Twelve leads in mV.
    func leads(seed: UInt64 = 1) -> [[Float]] {
        let count = Int((seconds * sampleRateHz).rounded())
        var signals = [[Double]](repeating: .init(repeating: 0, count: count), count: 8)
        for bell in bells {
            let first = max(0, Int((bell.centre - 6 * bell.width) * sampleRateHz))
            let last = min(count - 1, Int((bell.centre + 6 * bell.width) * sampleRateHz))
            guard first <= last else { continue }
            for t in first...last {
                let distance = (Double(t) / sampleRateHz - bell.centre) / bell.width
                let height = exp(-0.5 * distance * distance)
                for lead in signals.indices { signals[lead][t] += bell.sizes[lead] * height }
            }
        }
        let direction = [0.5, 0.9, -0.3, -0.3, 0.1, 0.4, 0.5, 0.5]
        for spike in spikes {
            let first = Int((spike.seconds * sampleRateHz).rounded())
            guard first >= 0, first < count else { continue }
            for lead in signals.indices {
                let height = spike.millivolts * direction[lead]
                signals[lead][first] += height
                for t in first + 1..<max(first + 1, min(count, first + Int(0.1 * sampleRateHz))) {
                    let later = Double(t - first) / sampleRateHz
                    signals[lead][t] -= spike.undershoot * height * exp(-later / 0.012)
                }
            }
        }
        var random = SeededRandom(seed: seed)
        for lead in signals.indices {
            for t in 0..<count {
                // Three uniform numbers between -1 and 1 have a deviation of 1.
                let noise = (0..<3).reduce(0.0) { sum, _ in
                    sum + Double.random(in: -1...1, using: &random)
                }
                signals[lead][t] += noiseMillivolts * noise
            }
        }
        return Self.twelve(signals)
    }

    private static func twelve(_ signals: [[Double]]) -> [[Float]] {
        let (i, ii) = (signals[0], signals[1])
        let limbs = [
            i, ii, zip(i, ii).map { $1 - $0 }, zip(i, ii).map { -($0 + $1) / 2 },
            zip(i, ii).map { $0 - $1 / 2 }, zip(i, ii).map { $1 - $0 / 2 },
        ]
        return (limbs + signals[2...]).map { $0.map { Float($0) } }
    }
}
