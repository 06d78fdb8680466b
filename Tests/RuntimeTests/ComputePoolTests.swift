import Runtime
import Testing

@Suite struct ComputePoolTests {
    private struct Failure: Error, Equatable { let task: Int }

    @Test(arguments: [0, 1, 2, 7, 100], [1, 2, 5])
    func resultsAreInTheOrderOfTasks(count: Int, threads: Int) throws {
        let pool = try ComputePool(threadCount: threads)
        // More than once: the pool is the same for every step.
        for factor in 1...3 {
            #expect(
                pool.map(count) { task, _ in task * factor } == (0..<count).map { $0 * factor })
        }
    }

    @Test(arguments: [1, 2, 5])
    func theFirstErrorByNumberIsThrown(threads: Int) throws {
        let pool = try ComputePool(threadCount: threads)
        for _ in 0..<20 {
            #expect(throws: Failure(task: 3)) {
                try pool.map(40) { task, _ throws(Failure) in
                    if task >= 3 { throw Failure(task: task) }
                    return task
                }
            }
        }
        #expect(pool.map(3) { task, _ in task } == [0, 1, 2])
    }

    @Test func noTaskIsBegunAfterAnError() throws {
        let begun = Locked(0)
        let pool = try ComputePool(threadCount: 1)
        #expect(throws: Failure(task: 4)) {
            try pool.map(100) { task, _ throws(Failure) in
                begun.withLock { $0 += 1 }
                if task == 4 { throw Failure(task: task) }
            }
        }
        #expect(begun.withLock { $0 } == 5)
    }
}
