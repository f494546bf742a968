namespace Updraft.Rigs;

/// <summary>One server of a site. Others may work on the same database and the same store.</summary>
/// <param name="number">Counted from 0.</param>
internal sealed class Replica(int number)
{
    public int Number => number;

    public Uri Address { get; } = LoopbackPort.LeaseUrl();

    /// <summary>By what PostgreSQL knows its sessions.</summary>
    public string ApplicationName => $"replica{number}";

    /// <summary>The running program; null when it was ended.</summary>
    public ChildProcess? Process { get; set; }

    /// <summary>Whether it failed, so that no further request goes to it until it is started again.</summary>
    public bool IsLeft { get; set; }
}
