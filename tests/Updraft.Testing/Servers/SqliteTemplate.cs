using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Updraft.Testing;

/// <summary>An SQLite database with the current schema. Each server of a test starts with a copy, which saves the migrations.</summary>
internal static class SqliteTemplate
{
    private static readonly Lazy<Task<byte[]>> Template = new(PrepareAsync);

    /// <summary>Copies the database to a data directory; a directory that has a database stays as it is.</summary>
    public static async Task CopyAsync(string dataFolder)
    {
        var file = Path.Join(dataFolder, "database", "updraft.db");
        if (File.Exists(file))
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllBytesAsync(file, await Template.Value);
    }

    private static async Task<byte[]> PrepareAsync()
    {
        var folder = Directory.CreateTempSubdirectory("updraft-template-").FullName;
        try
        {
            await using (var app = Updraft.Server.Program.Create([$"--Data={folder}", "--Logging:LogLevel:Default=None"]))
            {
                await using var scope = app.Services.CreateAsyncScope();
                await scope.ServiceProvider.GetRequiredService<Updraft.Server.Database.PrepareDatabase>().RunAsync(CancellationToken.None);
            }
            var file = Path.Join(folder, "database", "updraft.db");
            await using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
            {
                await connection.OpenAsync();
                await using var checkpoint = connection.CreateCommand();
                checkpoint.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
                await checkpoint.ExecuteNonQueryAsync();
            }
            return await File.ReadAllBytesAsync(file);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
