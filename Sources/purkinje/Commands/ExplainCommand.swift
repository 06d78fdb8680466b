import CommandLineInterface
import Configurations
import Electrocardiography
import Evaluation
import EvaluationSchema
import Runtime
import Workflows

/// What is drawn over the record.
private enum ExplanationKind: String, CaseIterable {
    case occlusion
    case attention
}

private let window = Option(
    "window", .integer(0...), default: 0, help: "Which of the record's windows of 10 s.")
private let map = Option(
    "map", .oneOf(ExplanationKind.self), default: .occlusion,
    help: "occlusion: what hiding a part changes; attention: where a transformer looks.")
private let label = Option(
    "class", .choice(LabelledRecords.classNames), otherwise: "the most probable",
    help: "The class whose probability is looked at.")
private let patch = Option(
    "patch", .positive, default: 0.5, help: "Seconds of a lead that are hidden at a time.")
private let numbers = Flag("numbers", help: "Write the numbers into the drawing.")
private let svg = Option(
    "svg", .file, otherwise: "no drawing", help: "Draws the map over the record on ECG paper.")

/// Shows what of a record decides.
let explainCommand = Command(
    "explain",
    summary: "shows which leads and times of a record decide what a probe says of it",
    discussion: """
        Fits the linear probe of 'purkinje evaluate' to the encoder's vectors, then hides the record part by part: each time \
        one part of one lead becomes a straight line between its neighbouring samples. Where the class's probability falls, \
        the part spoke for the class. Works with every method. --map attention needs a transformer and no labels: it draws how \
        much each patch weighs in the mean over tokens as attention hands it on from block to block.
        """,
    parameters: [
        EncoderOptions.run, EncoderOptions.step, EncoderOptions.data, EncoderOptions.record, window,
        map, label,
        patch, numbers, svg, EncoderOptions.readout, EncoderOptions.centreCrop,
        EncoderOptions.minimumLikelihood, EncoderOptions.dropUnknown, EncoderOptions.threads,
        Flag.json,
    ],
    example: "purkinje explain --run runs/first --data ecg.purkinje --record 17 --svg why.svg"
) { given in
    if given[map] == .attention {
        try given.refuse(
            [label, patch, EncoderOptions.readout, EncoderOptions.centreCrop],
            "with --map attention")
    }
    if given[svg] == nil { try given.refuse([numbers], "without --svg") }
    try checkOutput(
        given[svg], option: svg.name, apartFrom: [.file(given[EncoderOptions.data])])
    let encoder = try EncoderOptions.encoder(given)
    let explained = try EncoderOptions.labelled(given, for: encoder)
    let found = try explained.dataset.record(
        named: given[EncoderOptions.record], rule: explained.rule)
    guard given[window] < found.windows.count else {
        throw CommandError(
            .usage,
            "--window \(given[window]): record \(given[EncoderOptions.record]) has \(found.windows.count)"
        )
    }
    let number = found.windows[given[window]]
    let (json, drawing, text): (JSONValue, String, String)
    switch given[map] {
    case .attention:
        let attention = try encoder.attention(toWindow: number, of: explained.dataset)
        json = attention.json
        drawing = try attention.svg(
            over: number, of: explained.dataset, record: found, showsNumbers: given[numbers])
        text = attention.text
    case .occlusion:
        let line = ProgressLine()
        let occlusion = try occlusion(
            given, of: number, encoder: encoder, explained: explained, line: line)
        line.finish()
        json = occlusion.json
        drawing = try occlusion.svg(
            over: number, of: explained.dataset, record: found, showsNumbers: given[numbers])
        text = occlusion.text
    }
    if let path = given[svg] { try AtomicFile.write(drawing, to: path) }
    guard given[.json] else {
        Output.write("\(found.summary)\n\(text)")
        return .success
    }
    var members = found.json.merging(encoder.summary.json.objectValue ?? [:]) { first, _ in first }
    members[given[map].rawValue] = json
    members["run"] = .string(given[EncoderOptions.run].text)
    members["window"] = .integer(Int64(given[window]))
    members["readout"] = .string(given[EncoderOptions.readout].rawValue)
    members["svg"] = given[svg].map { .string($0.text) } ?? .null
    Output.write(.object(members))
    return .success
}

private func occlusion(
    _ given: Invocation, of window: Int, encoder: TrainedEncoder,
    explained: EncoderOptions.Labelled, line: ProgressLine
) throws -> OcclusionMap {
    let (readout, threads) = (given[EncoderOptions.readout], given[EncoderOptions.threads])
    let crop = given[EncoderOptions.centreCrop]
    let features = try FeatureSplits(
        of: explained.records, in: explained.dataset, externalSet: nil
    ) { records, dataset in
        try encoder.embed(
            records, of: dataset, readout: readout, centreCropOnly: crop, threads: threads
        ) { line.update("probe: record \($0)/\(records.count)") }
    }
    let probe = try LinearProbe(features, of: explained.records, kind: .multiLabel, seed: 0)
    return try OcclusionMap(
        ofWindow: window, of: explained.dataset, sampleRateHz: explained.dataset.sampleRateHz,
        label: given[label].flatMap { LabelledRecords.classNames.firstIndex(of: $0) },
        patchSeconds: given[patch],
        embed: { source, count in
            try encoder.embed(
                (0..<count).map { [$0] }, of: source, readout: readout, centreCropOnly: crop,
                threads: threads
            ) { line.update("hidden part \($0)/\(count)") }
        }, probabilities: probe.probabilities)
}
