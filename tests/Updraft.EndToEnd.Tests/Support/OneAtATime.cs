using Xunit.Sdk;
using Xunit.v3;

// The tests run real processes with thousands of files. In sequence, no test waits for the disk accesses of another test.
[assembly: Parallelization(Mode = ParallelMode.None)]
