namespace Updraft.Testing;

/// <summary>Waits for what happens in the background.</summary>
internal static class Poll
{
    /// <summary>Asks again and again; fails after 60 seconds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isTrue)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await isTrue())
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
    }
}
