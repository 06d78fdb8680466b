/// What the SNOMED CT codes of headers say in terms of PTB-XL's five superclasses.
///
/// The codes are those of the PhysioNet challenges of 2020 and 2021 and of Chapman/Ningbo. A code has the superclass of PTB-XL's
/// statement of the same meaning. PTB-XL's findings of form, such as inverted T waves, have no superclass there; here one has
/// that which two thirds of PTB-XL's records with the finding have, where the finding is a part of the class's
/// picture. docs/data.md explains each such choice.
public enum SnomedStatements {
    /// A code with what it means.
    public struct Statement: Sendable, Equatable {
        /// The SNOMED CT code.
        public let code: String
        /// What it says.
        public let name: String
        /// The superclass that it decides; `nil` where it decides none.
        public let superclass: Superclass?

        init(_ code: String, _ name: String, _ superclass: Superclass? = nil) {
            (self.code, self.name, self.superclass) = (code, name, superclass)
        }
    }

    /// The superclasses of a record: those that its codes decide; NORM where sinus rhythm is all that is said.
    ///
    /// - Parameter codes: All codes of the record.
    /// - Returns: None where no code decides, or where NORM's code stands beside others that decide nothing.
    public static func superclasses(of codes: [DiagnosticCode]) -> Superclasses {
        let found = codes.map { byCode[$0.code]?.superclass }
        var classes = Superclasses()
        for case let superclass? in found where superclass != .norm {
            classes.insert(Superclasses(superclass))
        }
        let isSinusRhythmAlone = !found.isEmpty && found.allSatisfy { $0 == .norm }
        return isSinusRhythmAlone ? Superclasses(.norm) : classes
    }

    /// What a code says; `nil` for a code that is not in the table.
    public static func statement(ofCode code: String) -> Statement? { byCode[code] }

    private static let byCode = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })

    /// All codes: those that decide, class by class, then those that decide nothing.
    public static let all: [Statement] = [
        .init("6374002", "bundle branch block", .cd),
        .init("27885002", "complete heart block", .cd),
        .init("28189009", "2nd degree AV block, type two", .cd),
        .init("54016002", "2nd degree AV block, Mobitz I (Wenckebach)", .cd),
        .init("59118001", "right bundle branch block", .cd),
        .init("74390002", "Wolff-Parkinson-White pattern", .cd),
        .init("82226007", "diffuse intraventricular block", .cd),
        .init("164909002", "left bundle branch block", .cd),
        .init("195042002", "2nd degree AV block", .cd),
        .init("195060002", "ventricular pre-excitation", .cd),
        .init("204384007", "congenital incomplete AV block", .cd),
        .init("233917008", "AV block", .cd),
        .init("251120003", "incomplete left bundle branch block", .cd),
        .init("270492004", "1st degree AV block", .cd),
        .init("426183003", "2nd degree AV block, Mobitz II", .cd),
        .init("445118002", "left anterior fascicular block", .cd),
        .init("445211001", "left posterior fascicular block", .cd),
        .init("698252002", "nonspecific intraventricular conduction disorder", .cd),
        .init("713426002", "incomplete right bundle branch block", .cd),
        .init("713427006", "complete right bundle branch block", .cd),
        .init("733534002", "complete left bundle branch block", .cd),
        .init("55827005", "left ventricular high voltage", .hyp),
        .init("89792004", "right ventricular hypertrophy", .hyp),
        .init("164873001", "left ventricular hypertrophy", .hyp),
        .init("195126007", "atrial hypertrophy", .hyp),
        .init("253339007", "right atrial abnormality", .hyp),
        .init("253352002", "left atrial abnormality", .hyp),
        .init("266249003", "ventricular hypertrophy", .hyp),
        .init("370365005", "left ventricular strain", .hyp),
        .init("446358003", "right atrial hypertrophy", .hyp),
        .init("446813000", "left atrial hypertrophy", .hyp),
        .init("67741000119109", "left atrial enlargement", .hyp),
        .init("54329005", "anterior myocardial infarction", .mi),
        .init("57054005", "acute myocardial infarction", .mi),
        .init("164865005", "myocardial infarction", .mi),
        .init("164867002", "old myocardial infarction", .mi),
        .init("164917005", "Q wave abnormal", .mi),
        .init("426783006", "sinus rhythm", .norm),
        .init("55930002", "ST changes", .sttc),
        .init("59931005", "T wave inversion", .sttc),
        .init("111975006", "prolonged QT interval", .sttc),
        .init("164861001", "myocardial ischaemia", .sttc),
        .init("164930006", "ST interval abnormal", .sttc),
        .init("164934002", "T wave abnormal", .sttc),
        .init("413444003", "acute myocardial ischaemia", .sttc),
        .init("413844008", "chronic myocardial ischaemia", .sttc),
        .init("425419005", "inferior ischaemia", .sttc),
        .init("425623009", "lateral ischaemia", .sttc),
        .init("426434006", "anterior ischaemia", .sttc),
        .init("428750005", "nonspecific ST-T abnormality", .sttc),
        .init("429622005", "ST depression", .sttc),
        .init("704997005", "inferior ST segment depression", .sttc),
        .init("368009", "heart valve disorder"),
        .init("5609005", "sinus arrest"),
        .init("10370003", "pacing rhythm"),
        .init("11157007", "ventricular bigeminy"),
        .init("13640000", "fusion beats"),
        .init("17338001", "ventricular premature beats"),
        .init("17366009", "sinus atrium to atrial wandering rhythm"),
        .init("29320008", "atrioventricular junctional rhythm"),
        .init("39732003", "left axis deviation"),
        .init("47665007", "right axis deviation"),
        .init("49260003", "idioventricular rhythm"),
        .init("49578007", "shortened PR interval"),
        .init("50799005", "atrioventricular dissociation"),
        .init("53741008", "coronary heart disease"),
        .init("60423000", "sinus node dysfunction"),
        .init("61277005", "accelerated idioventricular rhythm"),
        .init("61721007", "clockwise or counterclockwise vectorcardiographic loop"),
        .init("63593006", "supraventricular premature beats"),
        .init("65778007", "sinoatrial block"),
        .init("67198005", "paroxysmal supraventricular tachycardia"),
        .init("74615001", "brady tachy syndrome"),
        .init("75532003", "ventricular escape beat"),
        .init("77867006", "shortened QT interval"),
        .init("81898007", "ventricular escape rhythm"),
        .init("84114007", "heart failure"),
        .init("106068003", "atrial rhythm"),
        .init("111288001", "ventricular flutter"),
        .init("164884008", "ventricular ectopics"),
        .init("164889003", "atrial fibrillation"),
        .init("164890007", "atrial flutter"),
        .init("164895002", "ventricular tachycardia"),
        .init("164896001", "ventricular fibrillation"),
        .init("164912004", "P wave change"),
        .init("164921003", "R wave abnormal"),
        .init("164931005", "ST elevation"),
        .init("164937009", "U wave abnormal"),
        .init("164942001", "fragmented QRS"),
        .init("164947007", "prolonged PR interval"),
        .init("164951009", "abnormal QRS"),
        .init("195080001", "atrial fibrillation and flutter"),
        .init("195101003", "wandering atrial pacemaker"),
        .init("233892002", "accelerated atrial escape rhythm"),
        .init("233896004", "atrioventricular node reentrant tachycardia"),
        .init("233897008", "atrioventricular reentrant tachycardia"),
        .init("251139008", "suspect arm leads reversed"),
        .init("251146004", "low QRS voltages"),
        .init("251147008", "low QRS voltages in limb leads"),
        .init("251148003", "low QRS voltages in chest leads"),
        .init("251164006", "junctional premature complex"),
        .init("251166008", "atrioventricular node reentrant tachycardia"),
        .init("251168009", "supraventricular bigeminy"),
        .init("251170000", "blocked premature atrial contraction"),
        .init("251173003", "atrial bigeminy"),
        .init("251180001", "ventricular trigeminy"),
        .init("251182009", "paired ventricular premature complexes"),
        .init("251187003", "atrial escape beat"),
        .init("251198002", "clockwise rotation"),
        .init("251199005", "counterclockwise rotation"),
        .init("251200008", "indeterminate cardiac axis"),
        .init("251205003", "prolonged P wave"),
        .init("251223006", "tall P wave"),
        .init("251259000", "high T voltage"),
        .init("251266004", "ventricular pacing pattern"),
        .init("251268003", "atrial pacing pattern"),
        .init("266257000", "transient ischaemic attack"),
        .init("282825002", "paroxysmal atrial fibrillation"),
        .init("284470004", "premature atrial contraction"),
        .init("314208002", "rapid atrial fibrillation"),
        .init("365413008", "poor R wave progression"),
        .init("418818005", "Brugada pattern"),
        .init("425856008", "paroxysmal ventricular tachycardia"),
        .init("426177001", "sinus bradycardia"),
        .init("426627000", "bradycardia"),
        .init("426648003", "junctional tachycardia"),
        .init("426664006", "accelerated junctional rhythm"),
        .init("426749004", "chronic atrial fibrillation"),
        .init("426761007", "supraventricular tachycardia"),
        .init("426995002", "junctional escape"),
        .init("427084000", "sinus tachycardia"),
        .init("427172004", "premature ventricular contractions"),
        .init("427393009", "sinus arrhythmia"),
        .init("428417006", "early repolarization"),
        .init("698247007", "cardiac dysrhythmia"),
        .init("713422000", "atrial tachycardia"),
        .init("67751000119106", "right atrial high voltage"),
    ]
}
