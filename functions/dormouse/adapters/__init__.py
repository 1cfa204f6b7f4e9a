"""Where Dormouse meets AWS: each module speaks to one service and translates its errors."""
