using System.Text;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Signs by which an agent notices that its root is a copy, or that it moved to another machine. Two machines must be two agents,
/// otherwise the reports of one hide the other. No sign suffices alone:
/// <list type="bullet">
/// <item>A copied directory has another inode, but a cloned disk has the same one.</item>
/// <item>A cloned virtual machine often has the machine id of its origin, but another host name.</item>
/// <item>Containers of one image share the machine id or have none, but not the host name.</item>
/// </list>
/// So a change of any known sign means another agent. A process id or boot id would also change at each restart.
/// </summary>
/// <param name="Host">Name of the host, from <c>--host</c> or the system.</param>
/// <param name="MachineId">Digest of <c>/etc/machine-id</c>, which must not leave its host; null if there is none.</param>
/// <param name="Directory">Inode of the agent's own directory; null if it is unknown.</param>
internal sealed record AgentIdentity(string Host, string? MachineId, ulong? Directory)
{
    public static AgentIdentity Read(AgentRoot root, string host) => new(host, ReadMachineId(), FileStatus.Find(root.Own)?.Inode);

    /// <summary>First sign in which two identities differ, with both values; null if they can be of one agent.</summary>
    public string? DifferenceTo(AgentIdentity earlier)
    {
        if (Host != earlier.Host)
            return $"the host was '{earlier.Host}' and is '{Host}'";
        if (MachineId is not null && earlier.MachineId is not null && MachineId != earlier.MachineId)
            return "the machine id (/etc/machine-id) is another one";
        return Directory is not null && earlier.Directory is not null && Directory != earlier.Directory
            ? "the directory .updraft is a copy: its inode is another one"
            : null;
    }

    private static string? ReadMachineId()
    {
        try
        {
            return File.ReadAllText("/etc/machine-id").Trim() is { Length: > 0 } id
                ? Digest.Of(Encoding.UTF8.GetBytes("updraft-agent " + id)).ToString()[..16]
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
