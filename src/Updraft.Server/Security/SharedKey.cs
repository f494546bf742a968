namespace Updraft.Server.Security;

/// <summary>A key that all replicas on one database must have.</summary>
/// <param name="Name">Purpose of the key, in one word.</param>
/// <param name="File">Name of its file in the directory of the keys.</param>
/// <param name="Id">Identifies the key without revealing it.</param>
internal sealed record SharedKey(string Name, string File, string Id);
