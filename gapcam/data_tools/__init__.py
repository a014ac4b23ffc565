"""Commands about data sets: is it right, get it, is it fast enough, bring it into shards."""
