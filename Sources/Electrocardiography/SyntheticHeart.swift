import Kernels

/// One deflection of the heart's electric dipole: a bell curve in time along a fixed direction.
///
/// Directions are those of the Frank leads: x to the left, y to the feet, z to the back; lengths in mV.
struct DipoleWave {
    /// Seconds after the event that the wave belongs to.
    var centre: Double
    /// Standard deviations before and after the centre, in seconds.
    var rise: Double
    var fall: Double
    var vector: SIMD3<Double>

    init(_ centre: Double, _ width: Double, _ x: Double, _ y: Double, _ z: Double) {
        (self.centre, rise, fall) = (centre, width, width)
        vector = SIMD3(x, y, z)
    }
}

/// A heart as a moving dipole: loops of P, QRS and T, and what a disease makes of them.
struct SyntheticHeart {
    /// P: the right atrium, then the left.
    var atrial = [
        DipoleWave(0.03, 0.018, 0.03, 0.11, -0.06), DipoleWave(0.065, 0.02, 0.08, 0.07, 0.05),
    ]
    /// QRS: septum, free walls, base; the main deflection is the second.
    var ventricular = [
        DipoleWave(-0.022, 0.009, -0.14, -0.08, -0.30), DipoleWave(0, 0.011, 1.05, 0.75, 0.30),
        DipoleWave(0.024, 0.011, -0.18, -0.12, 0.55),
    ]
    /// The plateau between QRS and T.
    var plateau = DipoleWave(0.12, 0.05, 0.01, 0.01, -0.01)
    var recovery = DipoleWave(0.29, 0.05, 0.34, 0.26, -0.20)
    /// From the beginning of P to the main deflection, in seconds.
    var conductionSeconds = 0.16
    /// What the time to T is multiplied by.
    var recoveryStretch = 1.0
    /// Whether the conduction to the ventricles tires from beat to beat until one is dropped.
    var dropsBeats = false

    /// The heart of one patient: the same in all of the patient's records.
    init(of patient: inout RandomStream) {
        recovery.fall = 0.036
        let size = 0.8 + 0.45 * patient.nextDouble()
        let turn = 0.5 * (patient.nextDouble() - 0.5)
        let tilt = 0.5 * (patient.nextDouble() - 0.5)
        func turned(_ v: SIMD3<Double>) -> SIMD3<Double> {
            let (c, s) = (ElementaryFunctions.cosine(turn), ElementaryFunctions.sine(turn))
            let (d, u) = (ElementaryFunctions.cosine(tilt), ElementaryFunctions.sine(tilt))
            let frontal = SIMD3(c * v.x - s * v.y, s * v.x + c * v.y, v.z)
            return SIMD3(d * frontal.x - u * frontal.z, frontal.y, u * frontal.x + d * frontal.z)
        }
        for i in atrial.indices { atrial[i].vector *= 0.8 + 0.4 * patient.nextDouble() }
        for i in ventricular.indices {
            let strength = size * (0.85 + 0.3 * patient.nextDouble())
            ventricular[i].vector = turned(ventricular[i].vector) * strength
        }
        recovery.vector = turned(recovery.vector) * (size * (0.75 + 0.5 * patient.nextDouble()))
        conductionSeconds += 0.03 * (patient.nextDouble() - 0.5)
    }

    /// The direction and strength of the main deflection.
    var mainVector: SIMD3<Double> {
        get { ventricular[1].vector }
        set { ventricular[1].vector = newValue }
    }

    /// Stretches the QRS complex about its main deflection.
    mutating func widen(_ factor: Double) {
        for i in ventricular.indices {
            ventricular[i].centre *= factor
            ventricular[i].rise *= factor
            ventricular[i].fall *= factor
        }
        plateau.centre += 0.03 * (factor - 1)
        recovery.centre += 0.04 * (factor - 1)
    }
}

/// A diagnosis that the generator can draw, named by its SCP-ECG code.
enum SyntheticCondition: String, CaseIterable {
    case normal = "NORM"
    case inferiorInfarction = "IMI"
    case anteroseptalInfarction = "ASMI"
    case anterolateralInfarction = "ALMI"
    case nondiagnosticT = "NDT"
    case nonspecificST = "NST_"
    case ischaemia = "ISC_"
    case longQT = "LNGQT"
    case leftBundleBlock = "CLBBB"
    case rightBundleBlock = "CRBBB"
    case firstDegreeBlock = "1AVB"
    case secondDegreeBlock = "2AVB"
    case leftAnteriorBlock = "LAFB"
    case leftHypertrophy = "LVH"
    case rightHypertrophy = "RVH"
    case leftAtrialOverload = "LAO/LAE"

    /// The statement in words.
    var statement: String {
        switch self {
        case .normal: "normal ECG"
        case .inferiorInfarction: "inferior myocardial infarction"
        case .anteroseptalInfarction: "anteroseptal myocardial infarction"
        case .anterolateralInfarction: "anterolateral myocardial infarction"
        case .nondiagnosticT: "non-diagnostic T abnormalities"
        case .nonspecificST: "non-specific ST changes"
        case .ischaemia: "non-specific ischemic"
        case .longQT: "long QT-interval"
        case .leftBundleBlock: "complete left bundle branch block"
        case .rightBundleBlock: "complete right bundle branch block"
        case .firstDegreeBlock: "first degree AV block"
        case .secondDegreeBlock: "second degree AV block"
        case .leftAnteriorBlock: "left anterior fascicular block"
        case .leftHypertrophy: "left ventricular hypertrophy"
        case .rightHypertrophy: "right ventricular hypertrophy"
        case .leftAtrialOverload: "left atrial overload/enlargement"
        }
    }

    /// PTB-XL's superclass of the statement.
    var superclass: Superclass {
        switch self {
        case .normal: .norm
        case .inferiorInfarction, .anteroseptalInfarction, .anterolateralInfarction: .mi
        case .nondiagnosticT, .nonspecificST, .ischaemia, .longQT: .sttc
        case .leftBundleBlock, .rightBundleBlock, .firstDegreeBlock, .secondDegreeBlock,
            .leftAnteriorBlock:
            .cd
        case .leftHypertrophy, .rightHypertrophy, .leftAtrialOverload: .hyp
        }
    }

    /// Changes a heart as the disease does, with a severity that is drawn.
    func apply(to heart: inout SyntheticHeart, _ random: inout RandomStream) {
        let severity = 0.7 + 0.6 * random.nextDouble()
        switch superclass {
        case .norm: break
        case .mi: infarct(&heart, severity, isAcute: random.nextDouble() < 0.4)
        case .sttc: alterRecovery(&heart, severity)
        case .cd: alterConduction(&heart, severity)
        case .hyp: enlarge(&heart, severity)
        }
    }

    /// Dead muscle leaves the opposite wall unopposed: the first forces point away from it (Q waves).
    private func infarct(_ heart: inout SyntheticHeart, _ severity: Double, isAcute: Bool) {
        let wall: SIMD3<Double>
        switch self {
        case .inferiorInfarction: wall = SIMD3(0, 1, 0)
        case .anteroseptalInfarction: wall = SIMD3(0.1, 0, -1)
        default: wall = SIMD3(0.9, 0, -0.4)
        }
        let lost = -0.5 * severity * wall
        heart.ventricular.insert(DipoleWave(-0.026, 0.012, lost.x, lost.y, lost.z), at: 0)
        heart.ventricular.swapAt(0, 1)
        heart.ventricular.swapAt(1, 2)
        heart.ventricular[0].vector *= 0.3
        heart.mainVector += 0.6 * lost
        let along = (heart.recovery.vector * wall).sum()
        if isAcute {
            heart.plateau.vector += 0.22 * severity * wall
            heart.recovery.vector += 0.15 * wall
        } else {
            heart.recovery.vector -= (along + 0.22 * severity) * wall
        }
    }

    private func alterRecovery(_ heart: inout SyntheticHeart, _ severity: Double) {
        switch self {
        case .nondiagnosticT: heart.recovery.vector *= 0.35 - 0.3 * severity
        case .nonspecificST:
            heart.plateau.vector -= 0.09 * severity * heart.mainVector
            heart.recovery.vector *= 0.55
        case .ischaemia:
            heart.recovery.vector *= -0.8 * severity
            heart.recovery.rise = 0.036
        default:
            heart.recoveryStretch = 1.2 + 0.12 * severity
            heart.recovery.rise *= 1.25
        }
    }

    private func alterConduction(_ heart: inout SyntheticHeart, _ severity: Double) {
        switch self {
        case .leftBundleBlock:
            // The left ventricle is reached late and across the muscle: wide, notched, no septal force.
            heart.ventricular[0].vector = SIMD3(0.25, 0.1, 0.2)
            heart.mainVector += SIMD3(0.1, -0.35, 0.55)
            heart.ventricular[2].vector = 0.75 * heart.mainVector
            heart.widen(1.75)
            heart.plateau.vector -= 0.12 * heart.mainVector
            heart.recovery.vector = -0.32 * severity * heart.mainVector
        case .rightBundleBlock:
            // The right ventricle comes last: a late force to the right and to the front.
            heart.ventricular.append(
                DipoleWave(0.055, 0.017, -0.6 * severity, -0.05, -0.62 * severity))
            heart.recovery.vector += SIMD3(0.1, 0, 0.25)
        case .firstDegreeBlock: heart.conductionSeconds += 0.06 + 0.06 * severity
        case .secondDegreeBlock: heart.dropsBeats = true
        default:
            heart.ventricular[0].vector += SIMD3(-0.1, 0.3, 0)
            heart.mainVector += SIMD3(0.15, -1.25 * severity, 0)
            heart.widen(1.1)
        }
    }

    private func enlarge(_ heart: inout SyntheticHeart, _ severity: Double) {
        switch self {
        case .leftHypertrophy:
            heart.mainVector = (1.35 + 0.35 * severity) * heart.mainVector + SIMD3(0.2, 0, 0.35)
            heart.ventricular[2].vector *= 1.4
            heart.widen(1.1)
            heart.plateau.vector -= 0.05 * heart.mainVector
            heart.recovery.vector *= 0.6 - 0.9 * severity
        case .rightHypertrophy:
            heart.mainVector += SIMD3(-1.1 * severity, 0.1, -0.75 * severity)
            heart.ventricular[2].vector += SIMD3(-0.4, 0.1, -0.3)
            heart.recovery.vector += SIMD3(0.1, 0, 0.3)
        default:
            heart.atrial[1].centre += 0.03
            heart.atrial[1].vector = SIMD3(0.14, 0.06, 0.16) * severity
            heart.conductionSeconds += 0.02
        }
    }
}
