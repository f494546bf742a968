namespace Updraft.Rigs;

/// <summary>One server of a site. Other replicas may use the same database and the same store.</summary>
/// <param name="number">Number of the replica, from 0.</param>
internal sealed class Replica(int number)
{
    public int Number => number;

    public Uri Address { get; } = LoopbackPort.LeaseUrl();

    /// <summary>Name of the replica's sessions in PostgreSQL.</summary>
    public string ApplicationName => $"replica{number}";

    /// <summary>The running program; null if it was killed.</summary>
    public ChildProcess? Process { get; set; }

    /// <summary>Whether the replica failed. It receives no further requests until it is started again.</summary>
    public bool HasFailed { get; set; }
}
