namespace Updraft.Testing;

/// <summary>The published programs. <c>./test</c> publishes them and says where they are.</summary>
internal static class Programs
{
    public static string ServerDll { get; } = Find("UPDRAFT_SERVER_DLL", "artifacts/published/server/Updraft.Server.dll");

    public static string AgentBinary { get; } = Find("UPDRAFT_AGENT_BIN", "artifacts/published/agent/updraft-agent");

    /// <summary>A file of the checkout that the tests were built from.</summary>
    public static string InCheckout(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Join(folder.FullName, "Updraft.slnx")))
            folder = folder.Parent;
        return Path.Join(folder?.FullName, path);
    }

    private static string Find(string variable, string published)
    {
        var path = Environment.GetEnvironmentVariable(variable) ?? InCheckout(published);
        return File.Exists(path) ? path : throw new InvalidOperationException(
            $"'{path}' is missing. Run 'packaging/publish artifacts/published' at the root of the checkout, or set {variable}.");
    }
}
