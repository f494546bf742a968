// Real processes with thousands of files: one test at a time, so that none waits for another's disk.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
