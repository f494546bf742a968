namespace Updraft.Server.Security;

/// <summary>A key that all servers on one database must have.</summary>
/// <param name="Name">What it is for, in one word.</param>
/// <param name="File">Its file in the folder of keys.</param>
/// <param name="Id">By which it is known without telling anything about it.</param>
internal sealed record SharedKey(string Name, string File, string Id);
