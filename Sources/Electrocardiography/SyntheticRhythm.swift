import Kernels

/// What sets the pace, and what disturbs it.
enum SyntheticRhythm: String, CaseIterable {
    case sinus = "SR"
    case bradycardia = "SBRAD"
    case tachycardia = "STACH"
    case arrhythmia = "SARRH"
    case fibrillation = "AFIB"

    /// The statement in words.
    var statement: String {
        switch self {
        case .sinus: "sinus rhythm"
        case .bradycardia: "sinus bradycardia"
        case .tachycardia: "sinus tachycardia"
        case .arrhythmia: "sinus arrhythmia"
        case .fibrillation: "atrial fibrillation"
        }
    }
}

/// An early beat from elsewhere.
enum SyntheticEctopy: String, CaseIterable {
    case ventricular = "PVC"
    case atrial = "PAC"

    /// The statement in words.
    var statement: String {
        self == .ventricular ? "ventricular premature complex" : "atrial premature complex"
    }
}

/// When atria and ventricles are excited within a record.
struct SyntheticBeats {
    struct Ventricular {
        var seconds: Double
        /// The time since the beat before: what T keeps pace with.
        var interval: Double
        var isEctopic = false
    }

    /// Beginnings of P.
    private(set) var atrial: [Double] = []
    private(set) var ventricular: [Ventricular] = []

    /// Draws the beats of a record, from one beat before it to one behind it.
    init(
        _ rhythm: SyntheticRhythm, ectopy: SyntheticEctopy?, heart: SyntheticHeart,
        seconds: Double, _ random: inout RandomStream
    ) {
        let pace = Self.interval(rhythm, &random)
        let breath = 0.2 + 0.1 * random.nextDouble()
        let breathPhase = random.nextDouble()
        let sway = rhythm == .arrhythmia ? 0.16 : 0.025
        var time = -pace * (1 + random.nextDouble())
        var sinceDrop = random.nextInteger(below: 4)
        var delay = 0.0
        while time < seconds + pace {
            let angle = 2 * Double.pi * (breath * time + breathPhase)
            var interval = pace * (1 + sway * ElementaryFunctions.sine(angle))
            if rhythm == .fibrillation {
                interval *= 0.65 + 0.75 * random.nextDouble()
            } else {
                interval *= 1 + 0.012 * random.nextNormal()
            }
            let isEarly = ectopy != nil && random.nextDouble() < 0.16
            if isEarly, ectopy == .atrial { interval *= 0.62 }
            if isEarly, ectopy == .ventricular {
                // An ectopic beat, then the sinus beat that it blocked is waited for.
                ventricular.append(
                    Ventricular(
                        seconds: time + 0.62 * interval, interval: 0.62 * interval, isEctopic: true)
                )
                interval *= 1.95
            }
            time += interval
            if heart.dropsBeats {
                delay += 0.05
                sinceDrop += 1
                if sinceDrop > 3 {
                    atrial.append(time - heart.conductionSeconds)
                    (sinceDrop, delay) = (0, 0)
                    continue
                }
            }
            if rhythm != .fibrillation { atrial.append(time - heart.conductionSeconds) }
            ventricular.append(Ventricular(seconds: time + delay, interval: interval))
        }
    }

    /// The mean time between beats, in seconds.
    private static func interval(
        _ rhythm: SyntheticRhythm, _ random: inout RandomStream
    ) -> Double {
        let u = random.nextDouble()
        switch rhythm {
        case .sinus, .arrhythmia: return 60 / (60 + 38 * u)
        case .bradycardia: return 60 / (42 + 16 * u)
        case .tachycardia: return 60 / (102 + 38 * u)
        case .fibrillation: return 60 / (70 + 60 * u)
        }
    }
}
