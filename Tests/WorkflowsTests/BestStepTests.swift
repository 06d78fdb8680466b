import Runtime
import Testing

@testable import Workflows

@Suite struct BestStepTests {
    private func best(_ values: [(Int, Double)], every: Int = 10, last: Int = 45) -> Int? {
        BestStep.best(of: values.map { (step: $0, auroc: $1) }, every: every, last: last)
    }

    @Test func theHighestPlannedStepIsTheBest() {
        #expect(best([(10, 0.6), (20, 0.8), (30, 0.7), (45, 0.75)]) == 20)
        #expect(best([(10, 0.6), (20, 0.7), (45, 0.75)]) == 45)
    }

    @Test func equalStepsGoToTheEarliest() {
        #expect(best([(10, 0.7), (20, 0.7), (45, 0.7)]) == 10)
    }

    @Test func stepsThatNobodyPlannedAreNotChosen() {
        #expect(best([(0, 0.99), (10, 0.6), (13, 0.9), (20, 0.5)]) == 10)
        #expect(best([(13, 0.9)]) == nil)
        #expect(best([]) == nil)
        #expect(best([(10, 0.9), (45, 0.2)], every: 0) == 45)
        #expect(best([(10, .nan), (20, 0.1)]) == 20)
    }

    @Test func errorsNameWhatToDo() {
        #expect(
            WorkflowError.noValidation(metrics: "r/metrics.jsonl", every: 0).description.contains(
                "set it above 0"))
        #expect(
            WorkflowError.reconstructsNothing(run: "r", method: "cpc").description.hasPrefix(
                "r trains cpc, which reconstructs no signal"))
    }
}
