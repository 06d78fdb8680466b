import Foundation
import Kernels
import Runtime

/// Writes a folder of synthetic records with the label tables of PTB-XL.
///
/// Record and labels depend on (seed, number) alone, so threads do not show, and a larger set begins with the smaller one.
public struct SyntheticDataset: Sendable {
    /// Records to write.
    public let recordCount: Int
    /// What everything is drawn from.
    public let seed: UInt64

    /// Bytes by which the unfinished folder's name is longer than the folder's, at the most.
    public static let partialSuffixBytes = partialSuffix(.max).utf8.count

    private static func partialSuffix(_ process: Int32) -> String { ".partial-\(process)" }

    /// A set of records, numbered from 1.
    public init(recordCount: Int, seed: UInt64) {
        self.recordCount = recordCount
        self.seed = seed
    }

    /// Writes the set into a new folder, which gets its name when all is there.
    ///
    /// - Parameters:
    ///   - folder: Must not exist, or be empty.
    ///   - threads: Threads that draw and write.
    ///   - shouldStop: Asked between records; what was written is then removed.
    ///   - progress: Told of the records done, from any thread.
    /// - Returns: Whether the set is there; `false` after a stop.
    /// - Throws: `SourceError` for a folder with content, `SystemError` when writing fails.
    public func write(
        to folder: FilePath, threads: Int, shouldStop: @escaping @Sendable () -> Bool = { false },
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) throws -> Bool {
        if let content = try? folder.names(), !content.isEmpty {
            throw SourceError(
                file: folder, field: "folder", problem: "it is not empty; name a new folder")
        }
        // A slash at the end would put the unfinished folder into the one that it replaces.
        let name = folder.lastComponent
        guard name != ".", name != ".." else {
            throw SourceError(
                file: folder, field: "folder",
                problem: "it is made anew and cannot be where somebody stands; name a new folder")
        }
        let folder = folder.sibling(name)
        let partial = folder + Self.partialSuffix(getpid())
        defer { try? partial.removeAll() }
        for thousand in 0...recordCount / 1000 {
            try (partial + "/records500/\(Self.digits(1000 * thousand))").makeFolders()
        }
        let done = Locked(0)
        let pool = try ComputePool(threadCount: max(1, threads), name: "synthesise")
        let isWritten = try pool.map(recordCount) { [self] task, _ throws(SystemError) in
            guard !shouldStop() else { return false }
            try SyntheticRecord(number: task + 1, seed: seed).write(below: partial)
            progress(
                done.withLock { done in
                    done += 1
                    return done
                })
            return true
        }
        guard isWritten.allSatisfy({ $0 }) else { return false }
        let rows = (1...max(1, recordCount)).prefix(recordCount).map {
            SyntheticRecord(number: $0, seed: seed).tableRow
        }
        try AtomicFile.write(
            ([SyntheticRecord.tableHeader] + rows).joined(separator: "\n") + "\n",
            to: partial.appending(PTBXLDatabase.tableName))
        try AtomicFile.write(Self.statements, to: partial.appending(PTBXLDatabase.statementsName))
        try folder.removeFolder()
        try partial.rename(to: folder)
        try AtomicFile.synchroniseFolder(of: folder)
        return true
    }

    /// Five digits, as PTB-XL names its files.
    static func digits(_ number: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, 5 - text.count)) + text
    }

    /// The table of statements that the labels use, in PTB-XL's columns.
    private static var statements: String {
        var lines = [
            ",description,diagnostic,form,rhythm,diagnostic_class,diagnostic_subclass,Statement Category,SCP-ECG Statement Description,AHA code,aECG REFID,CDISC Code,DICOM Code"
        ]
        for condition in SyntheticCondition.allCases {
            let name = condition.superclass.name
            lines.append(
                "\(condition.rawValue),\(condition.statement),1.0,,,\(name),\(condition.rawValue),,\(condition.statement),,,,"
            )
        }
        for ectopy in SyntheticEctopy.allCases {
            lines.append("\(ectopy.rawValue),\(ectopy.statement),,1.0,,,,,\(ectopy.statement),,,,")
        }
        for rhythm in SyntheticRhythm.allCases {
            lines.append("\(rhythm.rawValue),\(rhythm.statement),,,1.0,,,,\(rhythm.statement),,,,")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// One synthetic record with its labels.
struct SyntheticRecord {
    let number: Int
    private let patient: Int
    private let ageYears: Int
    private let sex: Sex
    private var conditions: [SyntheticCondition] = []
    private let rhythm: SyntheticRhythm
    private let ectopy: SyntheticEctopy?
    private let heart: SyntheticHeart
    private var random: RandomStream

    /// Draws patient, diagnosis and rhythm; the signal is drawn when it is written.
    init(number: Int, seed: UInt64) {
        self.number = number
        // Every sixth record is the second one of the patient before it.
        patient = (number - 1) / 6 * 5 + min((number - 1) % 6, 4)
        var person = RandomStream(
            seed: seed, purpose: .synthesis, step: UInt64(patient), position: 0)
        var random = RandomStream(
            seed: seed, purpose: .synthesis, step: UInt64(number), position: 1)
        sex = person.nextDouble() < 0.52 ? .male : .female
        ageYears = 20 + Int(50 * person.nextDouble() + 25 * person.nextDouble())
        var heart = SyntheticHeart(of: &person)
        let share = random.nextDouble()
        let classes: [(Superclass, Double)] = [
            (.norm, 0.44), (.mi, 0.62), (.sttc, 0.78), (.cd, 0.9), (.hyp, 1),
        ]
        let first = classes.first { share < $0.1 }?.0 ?? .hyp
        conditions = [Self.draw(first, &random)]
        if first != .norm, random.nextDouble() < 0.25 {
            let second = Superclass.allCases[random.nextInteger(below: 5)]
            if second != .norm, second != first { conditions.append(Self.draw(second, &random)) }
        }
        for condition in conditions { condition.apply(to: &heart, &random) }
        let pace = random.nextDouble()
        if heart.dropsBeats || pace < 0.62 {
            rhythm = .sinus
        } else if pace < 0.72 {
            rhythm = .bradycardia
        } else if pace < 0.82 {
            rhythm = .tachycardia
        } else {
            rhythm = pace < 0.91 || first == .norm ? .arrhythmia : .fibrillation
        }
        let early = random.nextDouble()
        ectopy =
            first == .norm || heart.dropsBeats || early > 0.16
            ? nil : early < 0.1 || rhythm == .fibrillation ? .ventricular : .atrial
        self.heart = heart
        self.random = random
    }

    private static func draw(
        _ superclass: Superclass, _ random: inout RandomStream
    ) -> SyntheticCondition {
        let all = SyntheticCondition.allCases.filter { $0.superclass == superclass }
        return all[random.nextInteger(below: all.count)]
    }

    private var fileName: String {
        "records500/\(SyntheticDataset.digits(number / 1000 * 1000))/\(SyntheticDataset.digits(number))_hr"
    }

    /// The leads in microvolts.
    func leads() -> [[Int16]] {
        var random = random
        var recording = SyntheticRecording()
        let seconds = Double(SyntheticRecording.sampleCount) / SyntheticRecording.sampleRateHz
        let beats = SyntheticBeats(
            rhythm, ectopy: ectopy, heart: heart, seconds: seconds, &random)
        recording.add(beats, of: heart)
        if rhythm == .fibrillation { recording.addFibrillation(&random) }
        return recording.leads(&random)
    }

    /// Writes signal and header.
    func write(below folder: FilePath) throws(SystemError) {
        let leads = leads()
        let name = FilePath(fileName).lastComponent
        var header = "\(name) 12 500 \(SyntheticRecording.sampleCount)\n"
        for (lead, samples) in zip(Lead.allCases, leads) {
            let sum = samples.reduce(Int16(0)) { $0 &+ $1 }
            header += "\(name).dat 16 1000.0(0)/mV 16 0 \(samples[0]) \(sum) 0 \(lead.name)\n"
        }
        var bytes = [UInt8]()
        bytes.reserveCapacity(2 * leads.count * SyntheticRecording.sampleCount)
        for t in 0..<SyntheticRecording.sampleCount {
            for samples in leads {
                bytes.append(UInt8(truncatingIfNeeded: samples[t]))
                bytes.append(UInt8(truncatingIfNeeded: samples[t] >> 8))
            }
        }
        try Self.write(bytes, to: folder.appending("\(fileName).dat"))
        try Self.write(Array(header.utf8), to: folder.appending("\(fileName).hea"))
    }

    private static func write(_ bytes: [UInt8], to path: FilePath) throws(SystemError) {
        let file = try FileHandleOwner.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC)
        var failure: SystemError?
        bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { try file.writeAll(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// PTB-XL's columns.
    static let tableHeader =
        "ecg_id,patient_id,age,sex,height,weight,nurse,site,device,recording_date,report,scp_codes,heart_axis,infarction_stadium1,infarction_stadium2,validated_by,second_opinion,initial_autogenerated_report,validated_by_human,baseline_drift,static_noise,burst_noise,electrodes_problems,extra_beats,pacemaker,strat_fold,filename_lr,filename_hr"

    /// The labels as a row of the table; a patient's records are all in one fold.
    var tableRow: String {
        var codes = conditions.map { "'\($0.rawValue)': 100.0" }
        codes.append("'\(rhythm.rawValue)': 0.0")
        if let ectopy { codes.append("'\(ectopy.rawValue)': 0.0") }
        let report = (conditions.map(\.statement) + [rhythm.statement]).joined(separator: "; ")
        let cells = [
            "\(number)", "\(10_001 + patient).0", "\(ageYears).0", sex == .male ? "0" : "1", "",
            "", "", "", "synthetic", "", report, "\"{\(codes.joined(separator: ", "))}\"", "", "",
            "", "", "False", "True", "False", "", "", "", "", "", "", "\(patient % 10 + 1)", "",
            fileName,
        ]
        return cells.joined(separator: ",")
    }
}
