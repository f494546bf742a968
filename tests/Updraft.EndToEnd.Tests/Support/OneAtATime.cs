using Xunit.Sdk;
using Xunit.v3;

// Real processes with thousands of files: one test at a time, so that none waits for another's disk.
[assembly: Parallelization(Mode = ParallelMode.None)]
