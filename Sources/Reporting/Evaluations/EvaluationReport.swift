import EvaluationSchema
import Runtime

/// The page about an evaluation of one encoder, or about several runs side by side: the answer in words, then everything
/// that it rests on.
///
/// It is made of what `evaluate` and `compare` print as JSON, so that page and JSON cannot differ.
public struct EvaluationReport {
    let evaluation: EvaluationDocument
    let models: [ReportedModel]
    let classes: [String]
    private let pictures: [String: ModelPictures]
    private let command: [String]

    /// A page.
    ///
    /// - Parameters:
    ///   - evaluation: What the command prints with `--json`, or what a file has of it.
    ///   - classes: Names of the classes, in order.
    ///   - pictures: Curves and maps of models.
    ///   - command: The program and its arguments as they were typed.
    public init(
        _ evaluation: EvaluationDocument, classes: [String], pictures: [ModelPictures],
        command: [String]
    ) {
        self.evaluation = evaluation
        models = ReportedModel.all(of: evaluation)
        self.classes = classes
        self.pictures = Dictionary(pictures.map { ($0.name, $0) }) { first, _ in first }
        self.command = command
    }

    /// Whether several runs stand side by side.
    var isComparison: Bool { evaluation.isComparison }

    /// The encoders that are judged.
    var encoders: [ReportedModel] { models.filter { !$0.isControl } }

    /// The page.
    public var html: String {
        let run = evaluation.runs[0]
        let title =
            isComparison
            ? "\(encoders.count) runs side by side"
            : "Is this encoder better? \(run.encoder.method), \(run.run)"
        return ReportPage(
            title: title, subtitle: subtitle,
            sections: [
                .init(title: "Verdict", body: verdict),
                .init(title: "Diagnoses read out of the vectors", body: classification(.test)),
                .init(title: "Differences on the same records", body: differences),
                .init(title: "External records", body: classification(.external)),
                .init(title: "Each diagnosis", body: curves + classTables),
                .init(title: "What is taken for what", body: confusions),
                .init(title: "Groups of records", body: subgroups),
                .init(title: "With fewer labels", body: labelEfficiency),
                .init(title: "Records in a plane", body: maps),
                .init(title: "How far the classes lie apart", body: clusters),
                .init(title: "Clinical parameters read out", body: parameters),
                .init(title: "Further protocols", body: furtherProtocols),
                .init(title: "What was measured on what", body: subject),
                .init(title: "Words", body: Self.words),
                .init(title: "Do it again", body: again),
            ]
        ).html
    }

    private var subtitle: String {
        let records = evaluation.assessment.records
        let names = zip(encoders, evaluation.runs).map { model, run in
            (isComparison ? "\(model.title) after step " : "After step ")
                + "\(run.encoder.step)"
        }
        return names.joined(separator: ", ")
            + ". What reads the vectors is fitted on \(records.training) labelled records, chosen on "
            + "\(records.validation) and tested on \(records.test). Purkinje \(Software.version)"
    }

    // MARK: Verdict

    private var verdict: String {
        let verdict = Verdict(models)
        let rows = verdict.comparisons.map { comparison in
            "<li class=\"\(comparison.outcome == .undecided ? "undecided" : comparison.outcome.rawValue)\">"
                + "<b>\(comparison.outcome.rawValue)</b> "
                + "\(comparison.outcome == .undecided ? "from" : "than") "
                + "\(comparison.model.title.htmlEscaped) "
                + "<span>\(comparison.text.htmlEscaped)</span></li>"
        }
        let list = rows.isEmpty ? "" : "<ul class=\"outcomes\">\(rows.joined())</ul>"
        let records = evaluation.assessment.records.test
        let addition = verdict.additionText.map { "<p>\($0.htmlEscaped)</p>" } ?? ""
        return "<p class=\"headline\">\(verdict.headline.htmlEscaped)</p>\(list)\(addition)"
            + (rows.isEmpty
                ? "" : "<p class=\"note\">\(verdict.explanation(records: records).htmlEscaped)</p>")
    }

    // MARK: Pictures

    private static let curvesAtMost = 6

    private var curves: String {
        let drawn = models.filter { pictures[$0.name]?.curves.isEmpty == false }
            .prefix(Self.curvesAtMost)
        guard let first = drawn.first, let own = pictures[first.name]?.curves else { return "" }
        let legend = drawn.enumerated().map {
            "<span class=\"key s\($0 % 6)\">\($1.title.htmlEscaped)</span>"
        }
        let panels = own.map { curve in
            let lines = drawn.compactMap { model in
                pictures[model.name]?.curves.first { $0.className == curve.className }.map {
                    CurvePanel.Curve(
                        name: model.title,
                        auroc: model.results.linear?.probe.test.auroc[curve.className]
                            ?? nil, points: $0.points)
                }
            }
            let auroc = lines.first?.auroc.map { ": AUROC \(decimals($0))" } ?? ""
            return "<div><h3>\((curve.className + auroc).htmlEscaped)</h3>"
                + CurvePanel(title: "ROC curves of \(curve.className)", curves: lines).svg
                + "</div>"
        }
        return
            "<p>How well the linear probe ranks the test records of each diagnosis above all others; the upper left corner "
            + "is perfect, the diagonal is chance. The thick line, and the number beside the name, is "
            + "\(first.title.htmlEscaped).</p>"
            + "<figure class=\"chart\"><figcaption>\(legend.joined())</figcaption>"
            + "<div class=\"panels\">\(panels.joined())</div></figure>"
    }

    private var maps: String {
        let drawn = models.compactMap { model in
            pictures[model.name].map { (model, $0.maps) }
        }.filter { !$0.1.isEmpty }
        guard !drawn.isEmpty else { return "" }
        let figures = drawn.flatMap { model, maps in
            maps.map {
                "<div><h3>\(model.title.htmlEscaped): \($0.title.htmlEscaped)</h3>"
                    + "\($0.chart.html)</div>"
            }
        }
        return
            "<p>Each mark is a test record, its colour and shape its diagnosis; hover over it for its name and labels. "
            + "Principal components are the two directions in which the training records differ most. t‑SNE keeps "
            + "neighbours together, and nothing else: how far apart two groups lie, and how large they are, means "
            + "nothing.</p><div class=\"maps\">\(figures.joined())</div>"
    }

    private var confusions: String {
        let tables = encoders.compactMap { model -> String? in
            guard let counts = model.results.linear?.singleLabel?.test.confusion else {
                return nil
            }
            let table = ConfusionTable(counts, classes: classes)
            let name = encoders.count > 1 ? "<h3>\(model.title.htmlEscaped)</h3>" : ""
            return "<div>\(name)\(table.html)</div>"
        }
        guard !tables.isEmpty else { return "" }
        return
            "<p>The linear probe with one label a record, on the test records that have exactly one. Rows are what is "
            + "true, columns what the probe says; the darker, the larger the share of the row.</p>"
            + "<div class=\"pair\">\(tables.joined())</div>"
    }

    // MARK: The rest

    private var furtherProtocols: String {
        encoders.compactMap { model in
            model.results.finetune.map {
                (isComparison ? "<h3>\(model.title.htmlEscaped)</h3>" : "")
                    + ReportPage.folded(Self.finetuned, JSONTables.html($0.json))
            }
        }.joined()
    }

    /// What the protocol `finetune` is called.
    static let finetuned = "fine-tuned"

    private var again: String {
        """
        <p>The same run, data set and command give the same JSON, byte for byte, whatever the threads; the digests above say \
        whether they are the same. <code>--json</code> prints every number of this page.</p>
        <pre>\(command.map(\.shellWord).joined(separator: " ").htmlEscaped)</pre>
        """
    }

    private static let words = """
        <dl><dt>AUROC</dt><dd>The chance that a record of the diagnosis gets a higher score than one without it: 0.5 is chance, \
        1 is perfect. “Macro” is the mean over the diagnoses, “weighted” the mean over records' diagnoses.</dd>
        <dt>F1</dt><dd>The harmonic mean of precision and recall, from 0 to 1. It depends on a threshold: 0.5, or for each \
        diagnosis the best one of the validation records.</dd>
        <dt>Linear probe</dt><dd>Logistic regression on the encoder's vectors, the encoder unchanged. Its penalty is chosen on \
        the validation records.</dd>
        <dt>k-NN</dt><dd>The diagnoses of the nearest training records, without any fit.</dd>
        <dt>95 % interval</dt><dd>Where 95 % of 1000 resamples of the test records lie; of a single diagnosis, DeLong's.</dd>
        <dt>The untrained network</dt><dd>The same network with random weights: what its shape alone is \
        worth. Fine-tuned, it is trained from there with the labels alone.</dd>
        <dt>Clinical parameters</dt><dd>Intervals, axes and amplitudes as a physician measures them. “In segments”: each one cut \
        at quantiles of the training records, so that the probe can call both too little and too much abnormal. “This encoder \
        and clinical parameters” has the encoder's vector beside them.</dd>
        <dt>CD, HYP, MI, NORM, STTC</dt><dd>PTB-XL's superclasses: conduction disturbance, hypertrophy, myocardial \
        infarction, normal, ST and T changes.</dd></dl>
        """
}
