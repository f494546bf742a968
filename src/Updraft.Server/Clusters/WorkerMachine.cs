namespace Updraft.Server.Clusters;

/// <summary>A size of workers that worker queues can use.</summary>
/// <param name="Name">The contract's <c>astroMachine</c>.</param>
/// <param name="Cpu">Cores.</param>
/// <param name="Memory">Memory, e.g. <c>2Gi</c>.</param>
/// <param name="Concurrency">Default number of simultaneous tasks.</param>
internal sealed record WorkerMachine(string Name, string Cpu, string Memory, int Concurrency)
{
    /// <summary>All sizes, smallest first.</summary>
    public static IReadOnlyList<WorkerMachine> All { get; } =
    [
        new("A5", "1", "2Gi", 5), new("A10", "2", "4Gi", 10), new("A20", "4", "8Gi", 20), new("A40", "8", "16Gi", 40),
        new("A60", "12", "24Gi", 60), new("A120", "24", "48Gi", 120), new("A160", "32", "64Gi", 160),
    ];

    /// <summary>The size with a name; null if it does not exist.</summary>
    public static WorkerMachine? Find(string? name) => All.FirstOrDefault(machine => machine.Name == name);
}
