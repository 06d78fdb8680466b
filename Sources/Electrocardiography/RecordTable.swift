/// The sources, the diagnostic statements and the records of a prepared data set.
struct RecordTable: Equatable {
    /// What kind each source is: `ptb-xl` or `wfdb`.
    var sources: [String] = []
    /// SCP-ECG codes that are diagnostic, with their superclass's name, sorted by code.
    var statements: [Statement] = []
    var records: [RecordDescription] = []

    struct Statement: Equatable {
        var code: String
        var superclass: String
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(UInt32(sources.count))
        for source in sources { writer.write(source) }
        writer.write(UInt32(statements.count))
        for statement in statements {
            writer.write(statement.code)
            writer.write(statement.superclass)
        }
        for record in records {
            writer.write(record.name)
            writer.write(record.patient ?? "")
            writer.write(UInt16(record.source))
            writer.write(UInt8(record.fold ?? 0))
            writer.write(record.superclasses.rawValue)
            writer.write(record.sex?.rawValue ?? 0)
            writer.write((record.ageYears ?? .nan).bitPattern)
            writer.write(record.sourceRateHz.bitPattern)
            writer.write(UInt16(record.codes.count))
            for code in record.codes {
                writer.write(code.code)
                writer.write((code.likelihood ?? .nan).bitPattern)
            }
        }
        return writer.bytes
    }

    init(sources: [String], statements: [Statement], records: [RecordDescription]) {
        (self.sources, self.statements, self.records) = (sources, statements, records)
    }

    /// Decodes a table; `nil` when the bytes do not hold exactly one.
    init?(_ bytes: UnsafeRawBufferPointer, recordCount: Int) {
        var reader = ByteReader(bytes)
        guard let sourceCount: UInt32 = reader.read() else { return nil }
        for _ in 0..<sourceCount {
            guard let source = reader.readText() else { return nil }
            sources.append(source)
        }
        guard let statementCount: UInt32 = reader.read() else { return nil }
        for _ in 0..<statementCount {
            guard let code = reader.readText(), let name = reader.readText() else { return nil }
            statements.append(Statement(code: code, superclass: name))
        }
        for _ in 0..<recordCount {
            guard let record = Self.record(&reader), record.source < sources.count else {
                return nil
            }
            records.append(record)
        }
        guard reader.position == bytes.count else { return nil }
    }

    private static func record(_ reader: inout ByteReader) -> RecordDescription? {
        guard let name = reader.readText(), let patient = reader.readText(),
            let source = reader.read(UInt16.self), let fold = reader.read(UInt8.self),
            let superclasses = reader.read(UInt8.self), let sex = reader.read(UInt8.self),
            let age = reader.read(UInt32.self), let rate = reader.read(UInt64.self),
            let codeCount = reader.read(UInt16.self)
        else { return nil }
        var codes: [DiagnosticCode] = []
        for _ in 0..<codeCount {
            guard let code = reader.readText(), let likelihood = reader.read(UInt32.self) else {
                return nil
            }
            codes.append(
                DiagnosticCode(code: code, likelihood: Float(bitPattern: likelihood).orNil))
        }
        return RecordDescription(
            name: name, source: Int(source), patient: patient.isEmpty ? nil : patient,
            fold: fold == 0 ? nil : Int(fold), superclasses: Superclasses(rawValue: superclasses),
            codes: codes, ageYears: Float(bitPattern: age).orNil, sex: Sex(rawValue: sex),
            sourceRateHz: Double(bitPattern: rate))
    }
}

extension Float {
    fileprivate var orNil: Float? { isNaN ? nil : self }
}
