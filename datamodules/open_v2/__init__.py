"""The open benchmark `open-v2`: renderings nearer to photographs."""
