import Runtime

/// Takes the fields of a header's signal line one by one, from left to right.
struct SignalLine {
    /// What is left of the line.
    var rest: ArraySlice<UInt8>
    let path: FilePath
    let number: Int

    private func broken(_ field: String, _ problem: String) -> WFDBError {
        WFDBError(.brokenHeader, file: path, field: "line \(number), \(field)", problem)
    }

    private mutating func nextBytes() -> ArraySlice<UInt8>? {
        rest = rest.drop(while: \.isBlank)
        guard !rest.isEmpty else { return nil }
        let field = rest.prefix { !$0.isBlank }
        rest = rest[field.endIndex...]
        return field
    }

    private mutating func next() -> Substring? {
        nextBytes().map { Substring(TextLines.decoded($0)) }
    }

    /// The signal file's name.
    mutating func file() throws(WFDBError) -> FilePath {
        guard let bytes = nextBytes() else { throw broken("file name", "it is missing") }
        let name = FilePath(bytes: bytes)
        guard !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0), name != "..", name != ".",
            name != "-"
        else {
            throw broken("file name", "'\(name)' is not the name of a file beside the header")
        }
        return name
    }

    /// The format with its additions: `16x2:3+24`.
    mutating func format(into signal: inout WFDBHeader.Signal) throws(WFDBError) {
        guard let field = next() else { throw broken("format", "it is missing") }
        var text = field
        func number(_ name: String, _ range: ClosedRange<Int>) throws(WFDBError) -> Int {
            let digits = text.prefix { $0.isASCII && $0.isNumber }
            text = text[digits.endIndex...]
            guard let value = Int(digits), range.contains(value) else {
                throw broken(
                    name, "'\(field)' has no number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return value
        }
        signal.formatNumber = try number("format", 0...9999)
        if text.first == "x" {
            text = text.dropFirst()
            signal.samplesPerFrame = try number(
                "samples per frame", 1...WFDBHeader.Limit.samplesPerFrame)
        }
        if text.first == ":" {
            text = text.dropFirst()
            let samples = try number("skew", 0...WFDBHeader.Limit.frames)
            // libwfdb moves signals by whole frames, to the nearest one.
            signal.skewFrames =
                (2 * samples + signal.samplesPerFrame) / (2 * signal.samplesPerFrame)
        }
        if text.first == "+" {
            text = text.dropFirst()
            signal.byteOffset = try number("byte offset", 0...WFDBHeader.Limit.byteOffset)
        }
        guard text.isEmpty else {
            throw broken("format", "'\(field)' is not FORMAT[xSAMPLES][:SKEW][+OFFSET]")
        }
    }

    /// Gain, baseline and units: `1000.0(0)/mV`.
    ///
    /// A gain of 0, or none before a baseline or unit, is as good as no field: header(5) calls such a signal uncalibrated,
    /// and 200 stands.
    ///
    /// - Returns: The baseline, where the field has one.
    mutating func gain(into signal: inout WFDBHeader.Signal) throws(WFDBError) -> Int? {
        guard let field = next() else { return nil }
        var text = field
        if let slash = text.firstIndex(of: "/") {
            let units = text[text.index(after: slash)...]
            if !units.isEmpty { signal.units = String(units) }
            text = text[..<slash]
        }
        var baseline: Int?
        if let open = text.firstIndex(of: "(") {
            let inside = text[text.index(after: open)...]
            guard inside.last == ")", let value = Int(inside.dropLast()),
                Int32(exactly: value) != nil
            else {
                throw broken("baseline", "'\(field)' has no whole number in its brackets")
            }
            baseline = value
            text = text[..<open]
        }
        guard let gain = text.isEmpty ? 0 : Double(text), gain.isFinite else {
            throw broken("gain", "'\(field)' is not GAIN[(BASELINE)][/UNITS]")
        }
        guard gain != 0 else { return baseline }
        guard abs(gain) > 1e-12, abs(gain) < 1e12 else {
            throw broken("gain", "\(text) cannot be: no amplitude follows from it")
        }
        (signal.gain, signal.isCalibrated) = (gain, true)
        return baseline
    }

    /// A whole number, where the line goes on.
    mutating func integer(_ name: String) throws(WFDBError) -> Int? {
        guard let field = next() else { return nil }
        guard let value = Int(field), Int32(exactly: value) != nil else {
            throw broken(name, "'\(field)' is not a whole number of 32 bits")
        }
        return value
    }
}
