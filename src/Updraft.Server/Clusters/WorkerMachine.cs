namespace Updraft.Server.Clusters;

/// <summary>A size of workers that worker queues can ask for.</summary>
/// <param name="Name">The contract's <c>astroMachine</c>.</param>
/// <param name="Cpu">Cores.</param>
/// <param name="Memory">Memory.</param>
/// <param name="Concurrency">Tasks at the same time when nothing is said.</param>
internal sealed record WorkerMachine(string Name, string Cpu, string Memory, int Concurrency)
{
    /// <summary>All, the smallest first.</summary>
    public static IReadOnlyList<WorkerMachine> All { get; } =
    [
        new("A5", "1", "2Gi", 5), new("A10", "2", "4Gi", 10), new("A20", "4", "8Gi", 20), new("A40", "8", "16Gi", 40),
        new("A60", "12", "24Gi", 60), new("A120", "24", "48Gi", 120), new("A160", "32", "64Gi", 160),
    ];

    /// <summary>The machine of that name; null when there is none.</summary>
    public static WorkerMachine? Find(string? name) => All.FirstOrDefault(machine => machine.Name == name);
}
