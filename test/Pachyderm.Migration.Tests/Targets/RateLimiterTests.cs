using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores.Tests.Snapshot;

namespace Pachyderm.Migration.Tests.Targets;

public sealed class RateLimiterTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Without_a_limit_nobody_waits()
    {
        RateLimiter limiter = new(null, _clock);

        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(limiter.WaitAsync(1000, TestContext.Current.CancellationToken).IsCompletedSuccessfully));
    }

    [Fact]
    public async Task With_a_limit_the_next_batch_waits_until_the_one_before_has_had_its_time()
    {
        RateLimiter limiter = new(10, _clock);
        Assert.True(limiter.WaitAsync(50, TestContext.Current.CancellationToken).IsCompletedSuccessfully);

        Task second = limiter.WaitAsync(20, TestContext.Current.CancellationToken);
        Task third = limiter.WaitAsync(1, TestContext.Current.CancellationToken);
        _clock.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(second.IsCompleted);

        _clock.Advance(TimeSpan.FromSeconds(0.1));
        await second;
        Assert.False(third.IsCompleted);

        _clock.Advance(TimeSpan.FromSeconds(2));
        await third;
    }

    [Fact]
    public async Task Waiting_ends_when_it_is_cancelled()
    {
        using CancellationTokenSource stop = new();
        RateLimiter limiter = new(1, _clock);
        await limiter.WaitAsync(10, stop.Token);
        Task waiting = limiter.WaitAsync(1, stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
