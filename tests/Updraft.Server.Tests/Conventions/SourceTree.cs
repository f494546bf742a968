namespace Updraft.Server.Tests.Conventions;

/// <summary>The checkout that the tests were built from.</summary>
internal static class SourceTree
{
    /// <summary>The folder with <c>Updraft.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file of <c>src</c> and <c>tests</c>, but for generated migrations.</summary>
    public static IEnumerable<string> CSharpFiles(params string[] folders) => (folders is [] ? ["src", "tests"] : folders)
        .SelectMany(folder => Directory.EnumerateFiles(Path.Join(Root, folder), "*.cs", SearchOption.AllDirectories))
        .Where(file => !Relative(file).Split('/').Any(part => part is "obj" or "bin" or "Migrations"))
        .Order(StringComparer.Ordinal);

    public static string Relative(string path) => Path.GetRelativePath(Root, path);

    public static string Read(string relativePath) => File.ReadAllText(Path.Join(Root, relativePath));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Join(folder.FullName, "Updraft.slnx")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Updraft.slnx; run the tests inside the checkout.");
    }
}
