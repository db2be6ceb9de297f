module pirn/peers

go 1.19
